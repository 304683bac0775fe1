"""The agreement of an échéancier as a PDF in French: who owes what, since when, when it is paid, and what follows if not."""

import hashlib
import re
from datetime import date

from django.template.loader import render_to_string
from django.utils import translation

from core.files import read_file
from core.pdf import write_pdf
from customers.models import Customer, LegalEntity
from invoices.models import PaymentPlan

TEMPLATE = "agreements/payment_plan.html"
STYLESHEET = "agreements/agreement.css"
_LOGO = "letter:logo"
# What XML cannot hold; a customer's name may.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_IMAGE_TYPES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def agreement_reference(plan: PaymentPlan) -> str:
    """What the agreement and its payments are called."""
    return f"{plan.legal_entity.code}-E{plan.pk:06d}"


def agreement_pdf(plan: PaymentPlan, *, today: date) -> bytes:
    """The agreement as it stands on a day, to be signed by both. The same plan and day give the same bytes."""
    entity, customer = plan.legal_entity, plan.customer
    logo = read_file(entity.logo) if entity.logo else b""
    media_type = next((kind for head, kind in _IMAGE_TYPES if logo.startswith(head)), "")
    items = list(plan.items.select_related("item").order_by("item__due_date", "item_id"))
    instalments = list(plan.instalments.order_by("rank"))
    with translation.override("fr"):
        html = render_to_string(
            TEMPLATE,
            {
                "plan": plan,
                "reference": agreement_reference(plan),
                "today": today,
                "iso_date": today.isoformat(),
                "entity": entity,
                "customer": customer,
                "entity_address": entity.address_lines.splitlines(),
                "customer_address": customer.address_lines.splitlines(),
                "mentions": _mentions(entity),
                "items": items,
                "instalments": instalments,
                "several_items": len(items) > 1,
                "several": len(instalments) > 1,
                "is_consumer": customer.kind == Customer.Kind.CONSUMER,
                "is_public": customer.kind == Customer.Kind.PUBLIC_BODY,
                "logo_url": _LOGO if media_type else "",
                "iban": " ".join(entity.iban[at : at + 4] for at in range(0, len(entity.iban), 4)),
            },
        )
    html = _CONTROL.sub(" ", html)
    seed = hashlib.sha256(html.encode() + logo).hexdigest()[:32].encode()
    images = {_LOGO: (media_type, logo)} if media_type else {}
    return write_pdf(html, stylesheet=STYLESHEET, identifier=seed, images=images)


def _mentions(entity: LegalEntity) -> str:
    """What company correspondence must show (C. com. R123-237)."""
    number = " ".join(entity.siren[at : at + 3] for at in range(0, len(entity.siren), 3))
    parts = (
        entity.name,
        entity.legal_form,
        f"{number} RCS {entity.rcs_city}" if entity.siren and entity.rcs_city else number,
        ", ".join(entity.address_lines.splitlines()),
    )
    return " · ".join(part for part in parts if part)
