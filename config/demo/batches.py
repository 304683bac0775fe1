"""Two files of invoices, as an ERP would send them: one goes into the ledger, the other waits with its errors."""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO
from random import Random

from core.calendar import is_working_day
from core.models import User
from customers.models import Customer, LegalEntity
from invoices.models import ImportBatch, OpenItem
from invoices.operations.imports import (
    commit_batch,
    confirm_suspicion,
    read_batch,
    receive_batch,
    write_batch,
)

# Invoices of the committed file: the portfolio leaves room for them, so that the total is what was asked.
COMMITTED_INVOICES = 14
_WAITING_INVOICES = 9
_HEADER = "Code client;N° facture;Date facture;Date d'échéance;Montant TTC;TVA;Devise;Votre référence"
_PATIENCE = 60  # seconds; another worker may have taken the file


def import_sample_files(
    *, entities: list[LegalEntity], actor: User, seed: int, as_of: date, now: datetime
) -> int:
    """Upload both files; returns how many invoices the first one brought."""
    rng = Random(f"{seed}:batches")
    day = as_of
    while not is_working_day(day):
        day -= timedelta(days=1)
    good = _rows(entities[0], day, COMMITTED_INVOICES, rng)
    bad = _rows(entities[1], day, _WAITING_INVOICES, rng)
    if len(good) < COMMITTED_INVOICES or len(bad) < _WAITING_INVOICES:
        return 0
    bad[2] = bad[2].replace(bad[2].split(";")[0], "C99999", 1)
    bad[4] = bad[4].replace(f"{day:%d/%m/%Y}", f"31/02/{day:%Y}", 1)
    bad[6] = ";".join(["1 2O4,50" if place == 4 else cell for place, cell in enumerate(bad[6].split(";"))])
    committed = _receive(entities[0], good, f"factures-{day:%Y-%m-%d}.csv", actor, now)
    _work(committed, read_batch, as_of, now)
    if committed.status == ImportBatch.Status.PREVIEWED and committed.error_count == 0:
        for suspicion in committed.suspicions:
            confirm_suspicion(actor=actor, batch=committed, code=suspicion["code"], now=now)
        commit_batch(actor=actor, batch=committed, accept_rejects=False, today=as_of, now=now)
        _work(committed, write_batch, as_of, now)
    waiting = _receive(entities[1], bad, f"export-erp-{day:%Y%m%d}.csv", actor, now)
    _work(waiting, read_batch, as_of, now)
    return committed.new_count if committed.status == ImportBatch.Status.COMMITTED else 0


def _rows(entity: LegalEntity, day: date, count: int, rng: Random) -> list[str]:
    """Invoices of a day for French customers, numbered after the last one of the year."""
    codes = list(
        Customer.objects.filter(legal_entity=entity, country="FR", status=Customer.Status.ACTIVE)
        .exclude(kind=Customer.Kind.CONSUMER)
        .order_by("account_code")
        .values_list("account_code", flat=True)[: count * 20]
    )
    prefix = f"FA-{day:%Y}-"
    last = (
        OpenItem.objects.filter(legal_entity=entity, number__startswith=prefix)
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    first = int(last.removeprefix(prefix)) if last else 0
    rows = []
    for place, code in enumerate(rng.sample(codes, min(count, len(codes))), 1):
        net = rng.randrange(18_000, 900_000)
        vat = (net * 20 + 50) // 100
        # Without a due date, the customer's own terms give it.
        due = (day + timedelta(days=30)).strftime("%d/%m/%Y") if place % 3 else ""
        rows.append(
            f"{code};{prefix}{first + place:06d};{day:%d/%m/%Y};{due};{_french(net + vat)};{_french(vat)};EUR;"
            f"Commande {rng.randrange(10_000, 99_999)}"
        )
    return rows


def _french(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


def _receive(entity: LegalEntity, rows: list[str], name: str, actor: User, now: datetime) -> ImportBatch:
    content = "\r\n".join([_HEADER, *rows, ""]).encode("cp1252")
    return receive_batch(actor=actor, entity=entity, file=BytesIO(content), name=name, now=now)


def _work(batch: ImportBatch, work: Callable[..., bool], today: date, now: datetime) -> None:
    """Do the work here, or wait for the worker that was quicker."""
    end = time.monotonic() + _PATIENCE
    while not work(batch_id=batch.pk, today=today, now=now) and time.monotonic() < end:
        batch.refresh_from_db()
        if not batch.is_under_way:
            return
        time.sleep(0.2)
    batch.refresh_from_db()
