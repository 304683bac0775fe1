"""What pages of items show of electronic invoices: {% load einvoices %}."""

from django import template

from invoices.einvoice_reads import history
from invoices.einvoice_statuses import STATUSES
from invoices.models import EInvoiceStatus, OpenItem

register = template.Library()


@register.simple_tag
def einvoice_history(item: OpenItem) -> list[EInvoiceStatus]:
    """The life-cycle statuses of an item, the latest first; no query for one that has none."""
    return history(item)


@register.simple_tag
def einvoice_status_label(item: OpenItem) -> dict[str, object]:
    """The latest status of an item: its code, words and tone; empty for an item that has none."""
    if item.einvoice_status not in STATUSES:
        return {}
    label, tone, _effect = STATUSES[item.einvoice_status]
    return {"code": item.einvoice_status, "label": label, "tone": tone}
