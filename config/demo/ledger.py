"""The account of one customer over 24 months: invoices, receipts, credit notes, disputes and promises. Pure.

Amounts are cents, days are numbers of the diary. What is open follows from the allocations; nothing sets it.
"""

from dataclasses import dataclass, field
from random import Random

from config.demo.diary import Diary
from config.demo.profiles import AMOUNTS, Behaviour, Profile, Segment

DISPUTE_REASONS = (
    "PU_ERR",
    "QTE_ERR",
    "QUALITE_ERR",
    "LIVR_INCOMP",
    "CMD_ERR",
    "DOUBLON",
    "ADR_ERR",
    "AUTRE",
)
_DISPUTE_WEIGHTS = (26, 20, 16, 12, 14, 3, 6, 3)
_FORGOTTEN = {Behaviour.PUNCTUAL: 0.002, Behaviour.FEW_DAYS_LATE: 0.006, Behaviour.CHRONIC: 0.018,
              Behaviour.DETERIORATING: 0.008, Behaviour.DISPUTER: 0.006}  # fmt: skip
_DISPUTED = {Behaviour.DISPUTER: 0.28, Behaviour.FEW_DAYS_LATE: 0.02, Behaviour.CHRONIC: 0.02}
_PROMISING = frozenset(
    {Behaviour.CHRONIC, Behaviour.DETERIORATING, Behaviour.DYING, Behaviour.FEW_DAYS_LATE, Behaviour.DISPUTER}
)
_VAT_DOMESTIC = {"20": 2000, "10": 1000, "5.5": 550}
BOUNCED = "Prélèvement rejeté : provision insuffisante"


@dataclass(slots=True)
class Item:
    """An open item to be. `series` leads its number: FA invoice, AV credit note, RG receipt, OD other."""

    series: str
    issue: int
    due: int
    total: int
    vat: int | None = None
    reference: str = ""


@dataclass(slots=True)
class Allocation:
    debit: int
    credit: int
    amount: int
    day: int
    reversed_day: int | None = None
    reason: str = ""


@dataclass(slots=True)
class Dispute:
    item: int
    amount: int
    reason: str
    opened: int
    resolved: int | None


@dataclass(slots=True)
class Promise:
    item: int
    amount: int
    promised: int
    made: int


@dataclass(slots=True)
class Account:
    """What the simulation wrote; references between rows are positions in `items`."""

    items: list[Item] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)


def simulate(profile: Profile, vat_rate: str, diary: Diary, rng: Random) -> Account:
    """Live through the account day by day of payment. The same generator state gives the same account."""
    account = Account()
    receipts: dict[int, list[tuple[int, int]]] = {}
    for position, issue in enumerate(_issue_days(profile, diary, rng)):
        _invoice(account, receipts, profile, vat_rate, diary, rng, issue, position)
    _post_receipts(account, receipts, profile, diary, rng)
    _post_receipt_on_account(account, profile, diary, rng)
    return account


def _issue_days(profile: Profile, diary: Diary, rng: Random) -> list[int]:
    since, until = 0, diary.today
    if profile.behaviour is Behaviour.NEW:
        since = diary.today - rng.randrange(70, 170)
    elif profile.behaviour is Behaviour.DYING:
        until = diary.today - rng.randrange(35, 70)
    return diary.issue_days(rng, profile.count, since, until)


def _invoice(
    account: Account,
    receipts: dict[int, list[tuple[int, int]]],
    profile: Profile,
    vat_rate: str,
    diary: Diary,
    rng: Random,
    issue: int,
    position: int,
) -> None:
    """One invoice, what happens to it, and when it is paid."""
    due = diary.due(profile.terms, issue)
    median, sigma, _activity = AMOUNTS[profile.segment]
    net = int(median * profile.level * diary.season[issue] * rng.lognormvariate(0, sigma)) + 1500
    vat = 0 if profile.country != "FR" else (net * _VAT_DOMESTIC[vat_rate] + 5000) // 10000
    invoice = len(account.items)
    account.items.append(Item("FA", issue, due, net + vat, vat, _reference(profile, diary, rng, issue)))
    left = net + vat
    left -= _credit_note(account, invoice, diary, rng, net, vat)
    pay_day = _pay_day(profile, diary, rng, due)
    disputed = rng.random() < _DISPUTED.get(profile.behaviour, 0.006)
    if disputed and left > 0:
        left, pay_day = _dispute(account, receipts, profile, diary, rng, invoice, left, pay_day)
    if left <= 0:
        return
    if pay_day is None:
        if profile.behaviour in _PROMISING and not disputed:
            _promise_of_unpaid(account, diary, rng, invoice, left, due)
        return
    if profile.pays_by_debit and rng.random() < 0.05 and due + 4 <= diary.today:
        pay_day = _bounced_debit(account, diary, rng, invoice, left, due)
    elif not disputed and profile.behaviour in _PROMISING and pay_day - due > 18 and rng.random() < 0.14:
        _promise_of_paid(account, diary, rng, invoice, left, due, pay_day)
    draw = rng.random()
    if draw < 0.03:
        first = left * rng.randrange(30, 71) // 100
        receipts.setdefault(pay_day, []).append((invoice, first))
        later = diary.working(pay_day + rng.randrange(20, 60))
        receipts.setdefault(later, []).append((invoice, left - first))
        return
    if draw < 0.036 and left > 20_000:
        left -= rng.randrange(50, 999)  # bank charges kept back: a few euros stay open
    receipts.setdefault(pay_day, []).append((invoice, left))


def _reference(profile: Profile, diary: Diary, rng: Random, issue: int) -> str:
    if profile.segment is Segment.PUBLIC:
        return f"Engagement {diary.iso[issue][:4]}-{rng.randrange(10_000):05d}"
    return f"Commande {rng.randrange(10_000, 99_999)}" if rng.random() < 0.45 else ""


def _pay_day(profile: Profile, diary: Diary, rng: Random, due: int) -> int | None:
    """When the customer pays; None when he does not, or not yet thinkable."""
    behaviour = profile.behaviour
    if rng.random() < _FORGOTTEN.get(behaviour, 0.0):
        return None
    if behaviour is Behaviour.DYING:
        if due > diary.today - 190 + rng.randrange(60):
            return None
        delay = rng.gauss(14, 8)
    elif behaviour is Behaviour.CHRONIC:
        delay = max(22.0, rng.gauss(43, 10))
    elif behaviour is Behaviour.DETERIORATING:
        since = due - (diary.today - 180)
        delay = rng.gauss(3, 3) + (max(0, since) / 180) * 70
    elif behaviour in (Behaviour.FEW_DAYS_LATE, Behaviour.DISPUTER):
        delay = 1 + rng.expovariate(1 / 5)
    elif behaviour is Behaviour.NEW:
        delay = rng.gauss(2, 5)
    elif profile.pays_by_debit:
        delay = 0
    else:
        delay = min(3.0, rng.gauss(-1.5, 2.5))
    if profile.segment is Segment.PUBLIC:
        delay += 4
    day = diary.working(max(due + round(delay), 0))
    if profile.pays_monthly and behaviour is not Behaviour.PUNCTUAL:
        day = diary.payment_round(day)
    return day


def _credit_note(account: Account, invoice: int, diary: Diary, rng: Random, net: int, vat: int) -> int:
    """A credit note on one invoice in thirty; returns how much of the invoice it settles."""
    if rng.random() >= 0.033:
        return 0
    share = 100 if rng.random() < 0.15 else rng.randrange(4, 31)
    item = account.items[invoice]
    day = diary.working(item.issue + rng.randrange(4, 26))
    if day > diary.today:
        return 0
    credit_net, credit_vat = net * share // 100, vat * share // 100
    amount = credit_net + credit_vat
    if amount <= 0:
        return 0
    account.items.append(Item("AV", day, day, -amount, -credit_vat, item.reference))
    allocated = day + rng.randrange(0, 4)
    if allocated > diary.today or rng.random() < 0.06:
        return 0
    account.allocations.append(Allocation(invoice, len(account.items) - 1, amount, allocated))
    return amount


def _dispute(
    account: Account,
    receipts: dict[int, list[tuple[int, int]]],
    profile: Profile,
    diary: Diary,
    rng: Random,
    invoice: int,
    left: int,
    pay_day: int | None,
) -> tuple[int, int | None]:
    """Open a dispute, perhaps resolve it; returns what the customer will still pay, and when."""
    item = account.items[invoice]
    opened = item.issue + rng.randrange(6, 40)
    if opened > diary.today:
        return left, pay_day
    amount = left if rng.random() < 0.45 else left * rng.randrange(15, 61) // 100
    reason = rng.choices(DISPUTE_REASONS, _DISPUTE_WEIGHTS)[0]
    resolved = opened + rng.randrange(15, 150)
    if resolved > diary.today:
        account.disputes.append(Dispute(invoice, amount, reason, opened, None))
        undisputed = left - amount
        if undisputed and pay_day is not None:
            receipts.setdefault(max(pay_day, opened), []).append((invoice, undisputed))
        return 0, None
    account.disputes.append(Dispute(invoice, amount, reason, opened, resolved))
    resolution = diary.working(resolved)
    if rng.random() < 0.5 and resolution <= diary.today:
        part = amount * rng.choice((30, 50, 100)) // 100
        vat = part - part * 10_000 // 12_000 if item.vat else 0
        account.items.append(Item("AV", resolution, resolution, -part, -vat, item.reference))
        account.allocations.append(Allocation(invoice, len(account.items) - 1, part, resolution))
        left -= part
    settled = diary.working(max(resolved + rng.randrange(5, 25), pay_day or 0))
    return left, settled


def _bounced_debit(account: Account, diary: Diary, rng: Random, invoice: int, left: int, due: int) -> int:
    """A direct debit that the bank returns: allocated, undone, booked back; returns the day of the real payment."""
    day = diary.working(due)
    back = diary.working(day + 3)
    if back > diary.today:
        return day
    receipt = len(account.items)
    account.items.append(Item("RG", day, day, -left, None, "Prélèvement SEPA"))
    account.allocations.append(Allocation(invoice, receipt, left, day, back, BOUNCED))
    account.items.append(Item("OD", back, back, left, None, "Rejet de prélèvement SEPA"))
    account.allocations.append(Allocation(receipt + 1, receipt, left, back))
    return diary.working(back + rng.randrange(6, 40))


def _promise_of_paid(
    account: Account, diary: Diary, rng: Random, invoice: int, left: int, due: int, pay_day: int
) -> None:
    """A promise on an invoice paid late: by the day promised, or well after it."""
    made = due + rng.randrange(8, 16)
    is_kept = rng.random() < 0.6
    promised = pay_day + rng.randrange(0, 4) if is_kept else max(made + 2, pay_day - rng.randrange(8, 20))
    if made < diary.today:
        account.promises.append(Promise(invoice, left, promised, made))


def _promise_of_unpaid(
    account: Account, diary: Diary, rng: Random, invoice: int, left: int, due: int
) -> None:
    late = diary.today - due
    if late > 40 and rng.random() < 0.22:
        made = due + rng.randrange(10, 20)
        account.promises.append(Promise(invoice, left, made + rng.randrange(5, 15), made))
    elif late > 8 and rng.random() < 0.15:
        made = diary.today - rng.randrange(1, 8)
        account.promises.append(Promise(invoice, left, diary.today + rng.randrange(2, 15), made))


def _post_receipts(
    account: Account,
    receipts: dict[int, list[tuple[int, int]]],
    profile: Profile,
    diary: Diary,
    rng: Random,
) -> None:
    """One receipt a day of payment, for all it pays; most are allocated at once, some a few days later."""
    for day in sorted(receipts):
        parts = [(invoice, amount) for invoice, amount in receipts[day] if amount > 0]
        if day > diary.today or not parts:
            continue
        receipt = len(account.items)
        reference = "Prélèvement SEPA" if profile.pays_by_debit else f"Virement {rng.randrange(10**8):08d}"
        account.items.append(
            Item("RG", day, day, -sum(amount for _invoice, amount in parts), None, reference)
        )
        allocated = day if rng.random() < 0.9 else diary.working(day + rng.randrange(1, 6))
        if allocated > diary.today:
            continue
        account.allocations += [Allocation(invoice, receipt, amount, allocated) for invoice, amount in parts]


def _post_receipt_on_account(account: Account, profile: Profile, diary: Diary, rng: Random) -> None:
    """A few customers sent money that nobody could match."""
    if rng.random() >= 0.03 or profile.behaviour is Behaviour.DYING or not account.items:
        return
    day = diary.working(diary.today - rng.randrange(3, 60))
    if day <= diary.today and day >= account.items[0].issue:
        account.items.append(
            Item("RG", day, day, -rng.randrange(8_000, 90_000), None, "Virement sans référence")
        )
