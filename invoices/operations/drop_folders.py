"""Which folders are watched, and what becomes of the files put into them."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from invoices.drop_storage import DropPathRefused, clean_drop_path
from invoices.models import DropFolder, ImportProfile
from invoices.operations.drop_sweep import sweep_folders

__all__ = ["NotInScope", "change_drop_folder", "create_drop_folder", "sweep_folders"]

_FIELDS = ("legal_entity", "path", "subject", "profile", "commits_by_itself", "is_active")


class NotInScope(BusinessError):
    """The folder or its legal entity is not in the actor's scope."""

    code = "not_in_scope"


@operation("invoices.configure_import")
def create_drop_folder(
    *,
    actor: Actor,
    entity: LegalEntity,
    path: str,
    subject: str,
    profile: ImportProfile | None = None,
    commits_by_itself: bool = False,
    now: datetime,
) -> DropFolder:
    """Watch a folder for files of one legal entity. Raises DropPathRefused, NotInScope."""
    folder = DropFolder(
        legal_entity=entity,
        path=clean_drop_path(path),
        subject=subject,
        profile=profile,
        commits_by_itself=commits_by_itself,
    )
    _check(actor, folder)
    folder.save()
    audit.record(
        actor=actor, verb="invoices.drop_folder.created", refs=[folder, entity], now=now, **_values(folder)
    )
    return folder


@operation("invoices.configure_import")
def change_drop_folder(
    *,
    actor: Actor,
    folder: DropFolder,
    path: str,
    subject: str,
    profile: ImportProfile | None,
    commits_by_itself: bool,
    is_active: bool,
    now: datetime,
) -> DropFolder:
    """Change how a folder is watched, or stop watching it. Raises DropPathRefused, NotInScope."""
    locked = (
        DropFolder.objects.select_for_update(of=("self",))
        .select_related("legal_entity")
        .filter(pk=folder.pk, legal_entity__in=LegalEntity.objects.visible_to(actor))
        .first()
    )
    if locked is None:
        raise NotInScope(_("Ce dossier n’est pas dans votre périmètre."))
    before = _values(locked)
    locked.path, locked.subject, locked.profile = clean_drop_path(path), subject, profile
    locked.commits_by_itself, locked.is_active = commits_by_itself, is_active
    locked.sweep_error = ""
    _check(actor, locked)
    after = _values(locked)
    if after == before:
        return locked
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.drop_folder.changed",
        refs=[locked, locked.legal_entity],
        now=now,
        before={name: before[name] for name in after if after[name] != before[name]},
        after={name: after[name] for name in after if after[name] != before[name]},
    )
    return locked


def _check(actor: Actor, folder: DropFolder) -> None:
    if not LegalEntity.objects.visible_to(actor).filter(pk=folder.legal_entity_id).exists():
        raise NotInScope(_("Cette entité juridique n’est pas dans votre périmètre."), field="entity")
    if folder.subject not in DropFolder.Subject.values:
        raise BusinessError(_("Choisissez ce que contiennent les fichiers."), code="subject", field="subject")
    # Two paths that differ by case alone are one folder on some machines.
    if DropFolder.objects.filter(path__iexact=folder.path).exclude(pk=folder.pk).exists():
        raise DropPathRefused(_("Ce dossier est déjà surveillé."), code="path_taken", field="path")
    profile = folder.profile
    if profile is not None and (
        profile.legal_entity_id != folder.legal_entity_id or profile.subject != folder.subject
    ):
        raise BusinessError(
            _("Cette source est d’une autre entité juridique ou d’un autre contenu."),
            code="profile",
            field="profile",
        )


def _values(folder: DropFolder) -> dict[str, Any]:
    return {
        "path": folder.path,
        "subject": folder.subject,
        "profile": folder.profile.name if folder.profile else "",
        "commits_by_itself": folder.commits_by_itself,
        "is_active": folder.is_active,
    }
