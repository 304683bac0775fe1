"""What an échéancier is refused for: its customer, its items, its instalments, its signed agreement."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.money import format_amount, round_money
from customers.models import Customer
from invoices.models import OpenItem, PlanItem
from invoices.plan_rules import Fault, Part, faults

ZERO = Decimal("0.00")
MOST_GRACE_DAYS = 60


class PlanRefused(BusinessError):
    """The plan cannot be made or moved so; `rows` says what is wrong with which instalment (0 for the first)."""

    code = "plan_refused"

    def __init__(self, message: str, *, rows: dict[int, list[str]] | None = None, **told: str | None) -> None:
        super().__init__(message, **told)
        self.rows = rows or {}


def check_customer(customer: Customer) -> None:
    if customer.status == Customer.Status.INSOLVENT:
        # C. com. L622-7: what fell due before the judgment may not be paid.
        raise PlanRefused(
            _(
                "%(name)s est en procédure collective : ses dettes antérieures ne peuvent pas être échelonnées. "
                "Déclarez la créance."
            )
            % {"name": customer.name},
            code="insolvent",
        )


def check_items(items: Sequence[OpenItem]) -> None:
    if len({item.currency for item in items}) > 1:
        raise PlanRefused(
            _("Un échéancier est dans une seule devise : faites-en un par devise."), field="items"
        )
    for item in items:
        if item.open_amount <= 0:
            raise item_refused(_("La pièce %(number)s n’a plus rien à encaisser."), item)
        if item.is_factored:
            raise item_refused(_("La pièce %(number)s est cédée à un factor : laissez-la de côté."), item)
        if item.disputed_amount:
            raise item_refused(
                _("La pièce %(number)s est en litige : résolvez-le d’abord, ou laissez-la de côté."), item
            )
    taken = (
        PlanItem.objects.filter(item__in=items, released_on__isnull=True)
        .select_related("item")
        .order_by("pk")
        .first()
    )
    if taken is not None:
        raise item_refused(
            _("La pièce %(number)s est déjà dans l’échéancier n° %(plan)d : annulez-le d’abord."),
            taken.item,
            plan=taken.plan_id,
        )


def item_refused(message: str, item: OpenItem, **values: object) -> PlanRefused:
    return PlanRefused(message % {"number": item.number, **values}, field="items")


def check_grace(days: int) -> None:
    if not 0 <= days <= MOST_GRACE_DAYS:
        raise PlanRefused(
            _("Le délai de grâce est de 0 à %(days)d jours.") % {"days": MOST_GRACE_DAYS}, field="grace_days"
        )


def check_instalments(parts: Sequence[Part], total: Decimal, currency: str, today: date) -> None:
    if any(round_money(part.amount) != part.amount for part in parts):
        raise PlanRefused(_("Les montants des échéances sont au centime près."), field="instalments")
    found = faults(parts, total, today)
    if not found:
        return
    rows: dict[int, list[str]] = {}
    for fault in found:
        if fault.row is not None:
            rows.setdefault(fault.row, []).append(_fault_text(fault, parts, total, currency))
    whole = [_fault_text(fault, parts, total, currency) for fault in found if fault.row is None]
    message = " ".join(whole) or _("Corrigez les échéances signalées.")
    raise PlanRefused(message, rows=rows, field="instalments")


def _fault_text(fault: Fault, parts: Sequence[Part], total: Decimal, currency: str) -> str:
    planned = sum((part.amount for part in parts), ZERO)
    texts = {
        "none": _("Écrivez au moins une échéance."),
        "too_many": _("Un échéancier a 60 échéances au plus : espacez-les ou augmentez leur montant."),
        "amount": _("Ce montant doit être positif."),
        "past": _("Cette date est passée."),
        "too_far": _("Cette date est à plus de cinq ans."),
        "order": _("Cette date doit suivre celle de l’échéance précédente."),
        "sum": _("Les échéances font %(planned)s, les pièces %(total)s : il reste un écart de %(gap)s.")
        % {
            "planned": format_amount(planned, currency),
            "total": format_amount(total, currency),
            "gap": format_amount(total - planned, currency),
        },
    }
    return texts[fault.code]


def check_reason(reason: str) -> None:
    if not reason.strip():
        raise PlanRefused(_("Indiquez le motif."), field="reason")


def check_signed(content: IO[bytes]) -> None:
    size = content.seek(0, 2)
    content.seek(0)
    head = content.read(1024)
    content.seek(0)
    if b"%PDF-" not in head:
        raise PlanRefused(_("Déposez l’accord signé au format PDF."), field="file")
    if size > settings.DISPUTE_FILE_MAX_BYTES:
        raise PlanRefused(
            _("Ce fichier dépasse %(limit)d Mo : numérisez-le avec moins de détail.")
            % {"limit": settings.DISPUTE_FILE_MAX_BYTES // (1024 * 1024)},
            field="file",
        )
