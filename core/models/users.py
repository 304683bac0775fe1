from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    CREDIT_MANAGER = "CREDIT_MANAGER", _("Crédit manager")
    ACCOUNTANT = "ACCOUNTANT", _("Comptable")
    FINANCE_DIRECTOR = "FINANCE_DIRECTOR", _("Direction financière")
    ADMINISTRATOR = "ADMINISTRATOR", _("Administration")
    API_PARTNER = "API_PARTNER", _("Partenaire API")


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person, or a partner system acting through its API keys."""

    email = models.EmailField(_("adresse e-mail"), unique=True)
    full_name = models.CharField(_("nom"), max_length=120)
    language = models.CharField(
        _("langue"), max_length=2, choices=[("fr", _("Français")), ("en", _("Anglais"))], default="fr"
    )
    is_active = models.BooleanField(_("actif"), default=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        verbose_name = _("utilisateur")
        verbose_name_plural = _("utilisateurs")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once_in_any_case")]

    def __str__(self) -> str:
        return self.full_name or self.email


class Grant(models.Model):
    """A role held by a user. What a role may do stands in each app's `access.py`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(_("rôle"), max_length=20, choices=Role.choices)

    class Meta:
        verbose_name = _("rôle attribué")
        verbose_name_plural = _("rôles attribués")
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="grant_once_per_user_and_role")]

    def __str__(self) -> str:
        return f"{self.user} : {self.get_role_display()}"
