from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import UuidV7
from core.immutable import append_only


class StoredFile(models.Model):
    """An immutable file: uploaded, received or produced. Its bytes lie in the private file storage.

    `sha256` is of the bytes; `storage_name` is derived from it, so that the same bytes are stored once.
    """

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    kind = models.CharField(_("nature"), max_length=40)
    name = models.CharField(_("nom"), max_length=255)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField(_("taille"))
    sha256 = models.CharField(max_length=64, db_index=True)
    storage_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(_("créé le"))

    class Meta:
        verbose_name = _("fichier")
        verbose_name_plural = _("fichiers")
        ordering = ["-id"]
        triggers = append_only("immutable")

    def __str__(self) -> str:
        return self.name
