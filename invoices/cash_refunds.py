"""Refunds that were announced before the bank said so: which of them a debit line may be."""

from invoices.models import Allocation, BankLine, CashApplication, OpenItem


def is_open_debit(line: BankLine) -> bool:
    """Whether money left by this line and nothing was said of it."""
    return line.amount < 0 and not line.is_return and line.status != BankLine.Status.APPLIED


def announced_refunds(line: BankLine) -> list[CashApplication]:
    """Refunds that were announced and that this line may be."""
    items = OpenItem.objects.filter(
        legal_entity=line.bank_account.legal_entity_id,
        kind=OpenItem.Kind.OTHER,
        total_amount=-line.amount,
        currency=line.currency,
        number__startswith="RB-",
    )
    acts = Allocation.objects.filter(debit__in=items, application__isnull=False).values("application")
    return list(
        CashApplication.objects.filter(
            pk__in=acts,
            rule=CashApplication.REFUND_ANNOUNCED,
            bank_line__isnull=True,
            reversed_on__isnull=True,
        )
        .select_related("customer")
        .order_by("-pk")[:5]
    )
