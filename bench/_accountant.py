"""The seeded day of an accountant, step by step through the API, and the books it leaves."""

import json
import random
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

CUSTOMERS = 60
IBAN = "FR7630006000011234567890189"
TODAY = datetime.now(tz=ZoneInfo("Europe/Paris")).date()


PATIENCE = 120  # seconds a step may take, recovery included


class StepFailed(Exception):
    """The house did not come through."""


@dataclass
class Step:
    """One thing the accountant does: `work` asks the API until it is done."""

    kind: str
    work: Callable[[Any], None]


@dataclass(frozen=True)
class Bill:
    number: str
    customer: str
    issued: date
    cents: int


def set_up() -> str:
    """One entity, its customers, its bank account, and a partner's key; the key's secret."""
    import django

    django.setup()
    from django.core.management import call_command

    from core import clock
    from core.api.authentication import hash_key, new_key
    from core.models import ApiKey, Grant, Role, User
    from customers.models import Customer, EntityScope, LegalEntity, PaymentTerms
    from invoices.models import BankAccount

    call_command("migrate", verbosity=0)
    terms = PaymentTerms.objects.create(code="30J", name="30 jours", rule="NET", days=30)
    entity = LegalEntity.objects.create(
        code="E1", name="Ateliers", legal_form="SAS", siren="732829320", rcs_city="Lyon", address_lines="-",
        iban=IBAN, default_terms=terms, signatory_name="-", signatory_title="-",
    )  # fmt: skip
    Customer.objects.bulk_create(
        Customer(
            legal_entity=entity,
            account_code=f"C{n:03d}",
            name=f"Client {n:03d}",
            terms=terms,
            updated_at=clock.now(),
        )
        for n in range(CUSTOMERS)
    )
    BankAccount.objects.create(legal_entity=entity, name="Banque", iban=IBAN)
    user = User.objects.create_user("partenaire@example.test", None, full_name="Partenaire")
    for role in (Role.API_PARTNER, Role.ACCOUNTANT):
        Grant.objects.create(user=user, role=role)
    EntityScope.objects.create(user=user, legal_entity=None)
    secret = new_key()
    ApiKey.objects.create(
        user=user, name="Mesure", prefix=secret[:17], secret_sha256=hash_key(secret), created_at=clock.now(),
        scopes=["invoice-batches:read", "invoice-batches:write", "bank-statements:read", "bank-statements:write"],
    )  # fmt: skip
    return secret


def day(steps: int, rows: int, lines: int, seed: int) -> list[Step]:
    """`steps` steps: batches, statements, snapshots and their undoing, in turn."""
    drawn = random.Random(seed)
    bills: list[Bill] = []
    unpaid: list[Bill] = []
    plan: list[Step] = []
    turn = 0
    while len(plan) < steps:
        turn += 1
        new = [_bill(drawn, f"F{turn:03d}{n:05d}") for n in range(rows)]
        bills += new
        unpaid += new
        plan.append(Step("import", _importing(f"lot-{turn}.csv", _csv(new), "DELTA")))
        paid = [unpaid.pop(drawn.randrange(len(unpaid))) for _ in range(min(lines, len(unpaid)))]
        plan.append(Step("bank", _banking(f"releve-{turn}.xml", _camt(turn, paid, drawn))))
        kept = [bill for bill in unpaid if drawn.random() < 0.97]
        name = f"instantane-{turn}.csv"
        plan.append(Step("snapshot", _importing(name, _csv(kept), "SNAPSHOT")))
        plan.append(Step("undo", _undoing(name)))
    return plan[:steps]


def _bill(drawn: random.Random, number: str) -> Bill:
    issued = TODAY - timedelta(days=drawn.randrange(20, 200))
    return Bill(number, f"C{drawn.randrange(CUSTOMERS):03d}", issued, drawn.randrange(1_000, 400_000))


def _dotted(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _csv(bills: list[Bill]) -> bytes:
    lines = ["Code client;N° facture;Type;Date facture;Montant TTC"]
    lines += [
        f"{bill.customer};{bill.number};Facture;{bill.issued:%d/%m/%Y};{bill.cents // 100},{bill.cents % 100:02d}"
        for bill in bills
    ]
    return "\r\n".join(lines).encode() + b"\r\n"


def _camt(turn: int, paid: list[Bill], drawn: random.Random) -> bytes:
    """Transfers that name their invoice, some of two invoices, some that name none."""
    entries, total, rest = [], 0, list(paid)
    booked = TODAY - timedelta(days=1)
    rank = 0
    while rest:
        group = [rest.pop()]
        if rest and drawn.random() < 0.2:
            twin = next((bill for bill in rest if bill.customer == group[0].customer), None)
            if twin is not None:
                rest.remove(twin)
                group.append(twin)
        rank += 1
        cents = sum(bill.cents for bill in group)
        total += cents
        text = (
            "Reglement " + " ".join(bill.number for bill in group)
            if drawn.random() < 0.8
            else "VIREMENT SEPA"
        )
        entries.append(
            f'<Ntry><Amt Ccy="EUR">{_dotted(cents)}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
            f"<BookgDt><Dt>{booked}</Dt></BookgDt><AcctSvcrRef>R{turn}-{rank}</AcctSvcrRef><NtryDtls><TxDtls>"
            f"<RltdPties><Dbtr><Nm>CLIENT {group[0].customer[1:]}</Nm></Dbtr></RltdPties>"
            f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{_dotted(cents)}</Amt>'
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{booked}</Dt></Dt></Bal>"
        for code, cents in (("OPBD", 0), ("CLBD", total))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M{turn}</MsgId><CreDtTm>{booked}T08:00:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S{turn}</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{balances}{''.join(entries)}</Stmt>"
        "</BkToCstmrStmt></Document>"
    ).encode()


def _importing(name: str, content: bytes, mode: str) -> Callable[[Any], None]:
    def work(partner: Any) -> None:
        fields = {"legal_entity": "E1", "mode": mode} | ({"as_of": str(TODAY)} if mode == "SNAPSHOT" else {})
        batch = partner.post("invoice-batches", *_multipart(fields, name, content))
        batch = _until(partner, f"invoice-batches/{batch['id']}", ("PREVIEWED", "REJECTED", "FAILED"))
        for suspicion in batch.get("suspicions", []):
            body = json.dumps({"code": suspicion["code"]}).encode()
            partner.post(f"invoice-batches/{batch['id']}/confirmations", body)
        partner.post(f"invoice-batches/{batch['id']}/commit", b'{"accept_rejects": true}')
        _until(partner, f"invoice-batches/{batch['id']}", ("COMMITTED", "FAILED"), good="COMMITTED")

    return work


def _undoing(name: str) -> Callable[[Any], None]:
    def work(partner: Any) -> None:
        found = next(
            batch
            for batch in partner.get("invoice-batches?limit=20")["results"]
            if batch["file"]["name"] == name
        )
        partner.post(f"invoice-batches/{found['id']}/rollback", b'{"reason": "Mauvais fichier"}')
        _until(partner, f"invoice-batches/{found['id']}", ("ROLLED_BACK", "FAILED"), good="ROLLED_BACK")

    return work


def _banking(name: str, content: bytes) -> Callable[[Any], None]:
    def work(partner: Any) -> None:
        file = partner.post("bank-statements", *_multipart({"legal_entity": "E1"}, name, content))
        _until(
            partner, f"bank-statements/{file['id']}", ("PREVIEWED", "REJECTED", "FAILED"), good="PREVIEWED"
        )
        partner.post(f"bank-statements/{file['id']}/accept", b"{}")
        _until(partner, f"bank-statements/{file['id']}", ("ACCEPTED",))

    return work


def _until(partner: Any, path: str, wanted: tuple[str, ...], good: str = "") -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        document = partner.get(path)
        if document["status"] in wanted:
            if good and document["status"] != good:
                break
            return dict(document)
        time.sleep(0.05)
    raise StepFailed(f"{path}: {document['status']} {document.get('error')}")


def _multipart(fields: dict[str, str], name: str, content: bytes) -> tuple[bytes, str]:
    mark = uuid.uuid4().hex
    parts = b"".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return parts + head + content + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


_DRIFT = """
SELECT count(*) FROM invoices_openitem i LEFT JOIN LATERAL (
    SELECT sum(a.amount) AS settled FROM invoices_allocation a
    WHERE (a.debit_id = i.id OR a.credit_id = i.id) AND a.reversed_on IS NULL
) s ON true
WHERE abs(i.open_amount) <> abs(i.total_amount) - coalesce(s.settled, 0)
"""
_HALF = """
SELECT count(*) FROM invoices_importbatch b
WHERE (b.status = 'COMMITTED' AND b.new_count > (
           SELECT count(*) FROM invoices_openitem i WHERE i.import_batch_id = b.id))
   OR (b.status NOT IN ('COMMITTED', 'ROLLING_BACK') AND EXISTS (
           SELECT 1 FROM invoices_openitem i WHERE i.import_batch_id = b.id))
"""
_LINES = """
SELECT count(*) FROM invoices_bankline l LEFT JOIN LATERAL (
    SELECT sum(a.amount) AS applied FROM invoices_allocation a
    JOIN invoices_cashapplication c ON c.id = a.application_id
    WHERE c.bank_line_id = l.id AND a.reversed_on IS NULL
) s ON true
WHERE l.status = 'APPLIED' AND l.applied_amount <> abs(l.amount)
   OR coalesce(s.applied, 0) > abs(l.amount)
"""


def inconsistencies() -> list[str]:
    """What is wrong in the books right now: nothing may be, at any moment."""
    from django.db import connection

    found = []
    with connection.cursor() as cursor:
        for name, sql in (("balance", _DRIFT), ("half a batch", _HALF), ("bank line", _LINES)):
            cursor.execute(sql)
            count = cursor.fetchone()[0]
            if count:
                found.append(f"{name}: {count}")
    return found


def wait_until_quiet() -> str:
    """Until no batch is under way and every line has been looked at; what is still under way after a minute."""
    from invoices.models import BankFile, BankLine, ImportBatch

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        under_way = ImportBatch.objects.filter(status__in=ImportBatch.UNDER_WAY).exists()
        reading = BankFile.objects.filter(status__in=BankFile.UNDER_WAY).exists()
        waiting = BankLine.objects.filter(status="OPEN", matched_at__isnull=True).exists()
        if not (under_way or reading or waiting):
            return ""
        time.sleep(0.2)
    return f"batches {under_way}, files {reading}, lines {waiting}"


def restarts() -> int:
    """How often the work on a batch or a file was begun again."""
    from django.db.models import F, Sum

    from invoices.models import BankFile, ImportBatch

    totals = [
        model.objects.filter(attempts__gt=1).aggregate(again=Sum(F("attempts") - 1))["again"] or 0
        for model in (ImportBatch, BankFile)
    ]
    return int(sum(totals))


def job_errors() -> list[str]:
    """What sweeps stumbled over, once each."""
    from core.models import JobRun

    return sorted({f"{run.name}: {run.error[-300:]}" for run in JobRun.objects.exclude(error="")})


_NUMBER = re.compile(r"^(BQ|SOLDE)-\d+")


def books() -> dict[str, list[Any]]:
    """The books in words that do not depend on the order of keys."""
    from invoices.models import Allocation, BankLine, ImportBatch, OpenItem

    def text(value: Any) -> str:
        return _NUMBER.sub(r"\1", value) if isinstance(value, str) else str(value)

    def rows(query: Any) -> list[list[str]]:
        return sorted([text(value) for value in row] for row in query)

    return {
        "items": rows(
            OpenItem.objects.values_list(
                "customer__account_code", "number", "kind", "due_date", "total_amount", "open_amount"
            )
        ),
        "allocations": rows(
            Allocation.objects.filter(reversed_on__isnull=True).values_list(
                "debit__number", "credit__number", "amount", "allocated_on"
            )
        ),
        "lines": rows(
            BankLine.objects.values_list(
                "statement__identification", "rank", "amount", "status", "applied_amount"
            )
        ),
        "batches": rows(
            ImportBatch.objects.values_list("file__name", "status", "new_count", "cleared_count")
        ),
        "receivable": [[str(sum(OpenItem.objects.values_list("open_amount", flat=True), Decimal(0)))]],
    }
