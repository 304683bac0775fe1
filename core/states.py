"""States: one table of allowed moves per document, told to the operation and enforced by the database."""

from collections.abc import Iterable

import pgtrigger
from django.db.models import Model
from django.utils.translation import gettext as _

from core.errors import WrongState

Moves = Iterable[tuple[str, str]]


def state_machine(moves: Moves, field: str = "status") -> pgtrigger.FSM:
    """The trigger that refuses, in the database, every move that the table does not name."""
    return pgtrigger.FSM(name="status_moves", field=field, transitions=[(str(a), str(b)) for a, b in moves])


def check_move(document: Model, target: str, field: str = "status") -> None:
    """Raise WrongState, saying in which state the document is, unless its table allows the move."""
    current = getattr(document, field)
    if (current, target) not in tuple((str(a), str(b)) for a, b in document.TRANSITIONS):  # type: ignore[attr-defined]
        raise WrongState(
            _(
                "« %(document)s » est dans l’état « %(state)s » : cette étape n’est plus possible. Rechargez la page."
            )
            % {"document": document, "state": getattr(document, f"get_{field}_display")()},
            field=field,
        )
