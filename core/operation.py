"""The frame of every operation: the right is checked, then one transaction holds all it writes."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from core import audit
from core.errors import NotAllowed
from core.rights import has_permission

P = ParamSpec("P")
R = TypeVar("R")


def operation(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a keyword-only function an operation: `actor` must hold `permission`.

    A refusal leaves one audit event, outside the transaction that is refused, and raises NotAllowed.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = kwargs["actor"]
            if not has_permission(actor, permission):  # type: ignore[arg-type]
                audit.record(
                    actor=actor,  # type: ignore[arg-type]
                    verb="core.operation.refused",
                    refs=[],
                    operation=f"{function.__module__}.{function.__name__}",
                    permission=permission,
                )
                raise NotAllowed(
                    _("Votre rôle ne permet pas cette action. Demandez-la à un administrateur d’Encours.")
                )
            with transaction.atomic():
                return function(*args, **kwargs)

        run.permission = permission  # type: ignore[attr-defined]
        return run

    return decorate
