"""Who may do what: granting and revoking roles, closing and opening accesses."""

from datetime import datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.models import Grant, Role, User
from core.operation import operation
from core.rights import Actor


class RightsRefused(BusinessError):
    """The change of rights would lock people out, or means nothing."""

    code = "rights_refused"


@operation("core.manage_users")
def grant_role(*, actor: Actor, user_id: int, role: str, now: datetime) -> User:
    """Give a role to a user; having it already is no error and leaves no event. Raises RightsRefused."""
    user = _locked(user_id)
    _check_role(role)
    _grant, created = Grant.objects.get_or_create(user=user, role=role)
    if created:
        audit.record(actor=actor, verb="core.role.granted", refs=[user], now=now, role=role, name=str(user))
    return user


@operation("core.manage_users")
def revoke_role(*, actor: Actor, user_id: int, role: str, now: datetime) -> User:
    """Take a role from a user. An administrator stays one as long as no other active one exists.

    Nobody takes the administrator's role from himself: another administrator does. Raises RightsRefused.
    """
    administrators = _lock_administrators()
    user = _locked(user_id)
    _check_role(role)
    if role == Role.ADMINISTRATOR:
        _check_not_oneself(actor, user)
        _check_not_last(administrators, user)
    deleted, _per_model = Grant.objects.filter(user=user, role=role).delete()
    if deleted:
        audit.record(actor=actor, verb="core.role.revoked", refs=[user], now=now, role=role, name=str(user))
    return user


@operation("core.manage_users")
def deactivate_user(*, actor: Actor, user_id: int, now: datetime) -> User:
    """Close a user's access: sign-in, sessions and API keys stop at once; what he did stays.

    Raises RightsRefused for oneself and for the last administrator, WrongState when it is closed already.
    """
    administrators = _lock_administrators()
    user = _locked(user_id)
    if not user.is_active:
        raise WrongState(_("Cet accès est déjà fermé."))
    _check_not_oneself(actor, user)
    _check_not_last(administrators, user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    audit.record(actor=actor, verb="core.user.deactivated", refs=[user], now=now, name=str(user))
    return user


@operation("core.manage_users")
def reactivate_user(*, actor: Actor, user_id: int, now: datetime) -> User:
    """Open a closed access again, with the roles it had. Raises WrongState when it is open."""
    user = _locked(user_id)
    if user.is_active:
        raise WrongState(_("Cet accès est déjà ouvert."))
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit.record(actor=actor, verb="core.user.reactivated", refs=[user], now=now, name=str(user))
    return user


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update(of=("self",)).filter(pk=user_id).first()
    if user is None:
        raise RightsRefused(_("Cette personne n’existe pas."), code="user_unknown")
    return user


def _lock_administrators() -> set[int]:
    """The active administrators, their grants locked: two of them cannot remove each other at the same time."""
    grants = (
        Grant.objects.select_for_update(of=("self",))
        .filter(role=Role.ADMINISTRATOR, user__is_active=True)
        .order_by("pk")
    )
    return set(grants.values_list("user_id", flat=True))


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise RightsRefused(_("Ce rôle n’existe pas."), field="role")


def _check_not_oneself(actor: Actor, user: User) -> None:
    if isinstance(actor, User) and actor.pk == user.pk:
        raise RightsRefused(
            _(
                "Vous ne pouvez pas vous retirer vous-même l’administration. Demandez-le à un autre administrateur."
            )
        )


def _check_not_last(administrators: set[int], user: User) -> None:
    if administrators == {user.pk}:
        raise RightsRefused(
            _("C’est le dernier administrateur actif. Donnez d’abord ce rôle à quelqu’un d’autre."),
            code="last_administrator",
        )
