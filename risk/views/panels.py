"""What the other subjects of risk show on a customer's page, each by its own partial and function."""

from collections.abc import Callable
from datetime import date
from typing import Any

from core.models import User
from customers.models import Customer
from risk.views import assessments, cover, holds_panel, limits_panel, watch_panel

# Gives what the partial reads as `panel.…`; None when the subject has nothing to say.
PanelReader = Callable[[Customer, User, date], "dict[str, Any] | None"]

# (partial, reader), in the order of the page.
PANELS: tuple[tuple[str, PanelReader], ...] = (
    ("risk/panel_limits.html", limits_panel.panel),
    ("risk/panel_holds.html", holds_panel.panel),
    ("risk/panel_cover.html", cover.panel),
    ("risk/panel_watch.html", watch_panel.panel),
    ("risk/panel_provisions.html", assessments.panel),
)


def panels_of(customer: Customer, user: User, today: date) -> list[dict[str, Any]]:
    """The panels that have something to show of this customer: `template` and its `context`."""
    found = []
    for template, reader in PANELS:
        context = reader(customer, user, today)
        if context is not None:
            found.append({"template": template, "context": context})
    return found
