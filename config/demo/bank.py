"""Two statements of the bank: one accepted and matched as far as it is certain, one that waits to be looked at."""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO
from random import Random
from xml.sax.saxutils import escape

from core.calendar import is_working_day
from core.models import User
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from invoices.models import BankAccount, BankFile, OpenItem
from invoices.operations.bank_accounts import create_bank_account
from invoices.operations.bank_files import accept_bank_file, receive_bank_file
from invoices.operations.bank_reading import read_bank_file
from invoices.operations.credit_matching import match_credits
from invoices.operations.matching import match_lines

_PATIENCE = 60  # seconds; another worker may have taken the file
_OPENING_CENTS = 18_450_027
# What payers write: how many lines of the accepted statement, and how many of the one that waits.
_HABITS = (
    ("named", 20, 5),
    ("two", 4, 1),
    ("digits", 4, 1),
    ("name only", 4, 1),
    ("short", 2, 0),
    ("part", 2, 1),
)


class _Line:
    def __init__(self, cents: int, name: str, text: str, items: list[OpenItem]) -> None:
        self.cents, self.name, self.text, self.items = cents, name, text, items


def import_sample_statements(
    *, entities: list[LegalEntity], actor: User, seed: int, as_of: date, now: datetime
) -> int:
    """Open the entities' bank accounts, bring two statements; how many movements were accepted."""
    accounts = [
        create_bank_account(
            actor=SYSTEM, entity=entity, name=f"Compte courant {entity.name}", iban=entity.iban, now=now
        )
        for entity in entities
    ]
    rng = Random(f"{seed}:bank")
    entity, account = entities[0], accounts[0]
    days = _working_days(as_of, 2)
    pool = _payable(entity, as_of, rng)
    first = [_line(habit, pool, rng) for habit, count, _later in _HABITS for _ in range(count)]
    second = [_line(habit, pool, rng) for habit, _now, count in _HABITS for _ in range(count)]
    if any(line is None for line in (*first, *second)):
        return 0
    lines = [line for line in first if line is not None]
    lines.append(_Line(148_050, "SCI DES TROIS MOULINS", "LOYER NOVEMBRE", []))
    lines.append(_Line(-3_240, "", "COTISATION TRIMESTRIELLE CARTE", []))
    rng.shuffle(lines)
    closing = _OPENING_CENTS + sum(line.cents for line in lines)
    file = _receive(entity, account, 211, days[1], _OPENING_CENTS, lines, actor, now)
    if file.status == BankFile.Status.PREVIEWED:
        accept_bank_file(actor=actor, bank_file=file, today=as_of, now=now)
        match_lines(actor=SYSTEM, today=as_of, now=now, entity=entity)
        match_credits(actor=SYSTEM, today=as_of, now=now, entity=entity)
    rest = [line for line in second if line is not None]
    _receive(entity, account, 212, days[0], closing, rest, actor, now)
    return len(lines)


def _working_days(as_of: date, count: int) -> list[date]:
    """The last working days up to `as_of`, the latest first."""
    found: list[date] = []
    day = as_of
    while len(found) < count:
        if is_working_day(day):
            found.append(day)
        day -= timedelta(days=1)
    return found


def _payable(entity: LegalEntity, as_of: date, rng: Random) -> list[OpenItem]:
    """Invoices that somebody would pay these days: about due, not contested."""
    items = list(
        OpenItem.objects.filter(
            legal_entity=entity,
            kind=OpenItem.Kind.INVOICE,
            currency="EUR",
            open_amount__gt=0,
            disputed_amount=0,
            customer__status=Customer.Status.ACTIVE,
            issue_date__lt=as_of - timedelta(days=5),
            due_date__gte=as_of - timedelta(days=25),
        )
        .select_related("customer")
        .order_by("due_date", "number")[:400]
    )
    rng.shuffle(items)
    return items


def _line(habit: str, pool: list[OpenItem], rng: Random) -> _Line | None:
    if habit == "two":
        return _two(pool)
    if not pool:
        return None
    item = pool.pop()
    name, cents = item.customer.name.upper(), _cents(item)
    if habit == "named":
        text = rng.choice(("FACTURE {0}", "REGLT {0}", "VIR {0} MERCI", "{0}")).format(item.number)
    elif habit == "digits":
        text = f"FACT {item.number.rpartition('-')[2]}"
    elif habit == "short":
        cents, text = cents - 1_800, f"{item.number} FRAIS DEDUITS"
    elif habit == "part":
        cents, text = cents // 2, f"ACOMPTE {item.number}"
    else:
        text = "VIREMENT SEPA"
    return _Line(max(cents, 100), name, text, [item])


def _two(pool: list[OpenItem]) -> _Line | None:
    for place, item in enumerate(pool):
        for other in pool[place + 1 :]:
            if other.customer_id == item.customer_id:
                pool.remove(item)
                pool.remove(other)
                text = f"FACTURES {item.number} ET {other.number}"
                return _Line(_cents(item) + _cents(other), item.customer.name.upper(), text, [item, other])
    return None


def _cents(item: OpenItem) -> int:
    return int(item.open_amount * 100)


def _receive(
    entity: LegalEntity,
    account: BankAccount,
    number: int,
    day: date,
    opening: int,
    lines: list[_Line],
    actor: User,
    now: datetime,
) -> BankFile:
    """Send the file in, and read it here or wait for the worker that was quicker."""
    content = _camt(account, number, day, opening, lines)
    file = receive_bank_file(
        actor=actor, entity=entity, file=BytesIO(content), name=f"releve-{day:%Y-%m-%d}.xml", now=now
    )
    _work(file, read_bank_file, now)
    return file


def _work(file: BankFile, read: Callable[..., bool], now: datetime) -> None:
    end = time.monotonic() + _PATIENCE
    while not read(bank_file_id=file.pk, now=now) and time.monotonic() < end:
        file.refresh_from_db()
        if not file.is_under_way:
            return
        time.sleep(0.2)
    file.refresh_from_db()


def _camt(account: BankAccount, number: int, day: date, opening: int, lines: list[_Line]) -> bytes:
    balances = (("OPBD", opening), ("CLBD", opening + sum(line.cents for line in lines)))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>R{number}</MsgId><CreDtTm>{day}T06:00:00</CreDtTm></GrpHdr><Stmt>"
        f"<Id>{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><Acct><Id><IBAN>{account.iban}</IBAN></Id>"
        f"<Ccy>EUR</Ccy></Acct>{''.join(_balance(code, cents, day) for code, cents in balances)}"
        f"{''.join(_entry(number, rank, day, line) for rank, line in enumerate(lines, 1))}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _balance(code: str, cents: int, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(cents)}<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(number: int, rank: int, day: date, line: _Line) -> str:
    family = "RCDT" if line.cents > 0 else "MDOP"
    party = (
        f"<RltdPties><Dbtr><Pty><Nm>{escape(line.name)}</Nm></Pty></Dbtr></RltdPties>" if line.name else ""
    )
    return (
        f"<Ntry>{_amount(line.cents)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt>"
        f"</ValDt><AcctSvcrRef>{number}{rank:05d}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd>"
        f"<SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls>{party}"
        f"<RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _amount(cents: int) -> str:
    side = "CRDT" if cents >= 0 else "DBIT"
    size = abs(cents)
    return f'<Amt Ccy="EUR">{size // 100}.{size % 100:02d}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
