"""What one writes first: a question per number and line, or the ORM in bulk with a dictionary of numbers."""

from __future__ import annotations

import re
import time
from datetime import date, datetime

SAMPLE = 100


def row_by_row(*, today: date, now: datetime) -> float:
    """Seconds per line of the straightforward way: ask for each number, then for the amount; apply one by one."""
    from core.rights import SYSTEM
    from invoices.models import BankLine, OpenItem
    from invoices.operations.cash import ApplicationPart, CashRefused, apply_line

    lines = list(BankLine.objects.filter(status="OPEN", amount__gt=0).order_by("pk")[:SAMPLE])
    start = time.perf_counter()
    for line in lines:
        items: dict[int, OpenItem] = {}
        for word in re.findall(r"[A-Z0-9/-]{3,}", line.remittance.upper()):
            for item in OpenItem.objects.exclude(open_amount=0).filter(number__icontains=word)[:5]:
                items[item.pk] = item
        if not items:
            items = {item.pk: item for item in OpenItem.objects.filter(open_amount=line.amount)[:2]}
        chosen = list(items.values())
        if (
            chosen
            and sum(item.open_amount for item in chosen) == line.amount
            and len({i.customer_id for i in chosen}) == 1
        ):
            try:
                apply_line(
                    actor=SYSTEM, line_id=line.pk, parts=[ApplicationPart(item.pk, item.open_amount) for item in chosen],
                    today=today, now=now,
                )  # fmt: skip
            except CashRefused:
                continue
    return (time.perf_counter() - start) / max(len(lines), 1)


def orm_in_bulk(*, today: date, now: datetime) -> float:
    """Seconds of one pass with the ORM: all open items read, numbers found by a dictionary, rows made and bulk-created."""
    from django.db import transaction

    from invoices.models import Allocation, BankLine, CashApplication, OpenItem

    start = time.perf_counter()
    with transaction.atomic():
        by_number = {
            re.sub(r"\D", "", item.number).lstrip("0"): item
            for item in OpenItem.objects.exclude(open_amount=0).select_related("customer")
        }
        applications, payments, lines = [], [], []
        for line in BankLine.objects.filter(amount__gt=0):
            found = [by_number[key] for key in re.findall(r"\d{3,}", line.remittance) if key in by_number]
            if found and sum(item.open_amount for item in found) == line.amount:
                lines.append((line, found))
        for line, found in lines:
            applications.append(
                CashApplication(
                    legal_entity_id=found[0].legal_entity_id,
                    customer_id=found[0].customer_id,
                    bank_line=line,
                    applied_on=today,
                    applied_at=now,
                )
            )
            payments.append(
                OpenItem(
                    legal_entity_id=found[0].legal_entity_id, customer_id=found[0].customer_id, kind="PAYMENT", number=f"X{line.pk}",
                    issue_date=today, due_date=today, currency="EUR", total_amount=-line.amount, open_amount=0, posted_at=now, updated_at=now,
                )
            )  # fmt: skip
        CashApplication.objects.bulk_create(applications, batch_size=1_000)
        OpenItem.objects.bulk_create(payments, batch_size=1_000)
        Allocation.objects.bulk_create(
            [
                Allocation(
                    debit=item,
                    credit=payment,
                    amount=abs(item.open_amount) or 1,
                    allocated_on=today,
                    created_at=now,
                )
                for (line, found), payment in zip(lines, payments, strict=True)
                for item in found
                if item.pk != payment.pk
            ],
            batch_size=1_000,
        )
        transaction.set_rollback(True)
    return time.perf_counter() - start
