"""The gate at the moment of sending: what holds a notice back, what makes it wait, what another entity did meanwhile."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.models import AuditEvent
from core.rights import SYSTEM
from dunning.models import (
    DunningException,
    DunningSettings,
    DunningStop,
    Level,
    Notice,
    NoticeLine,
    Run,
)
from dunning.operations.notices import passing_gate
from invoices.models import BankAccount, BankFile, BankLine, BankStatement, MatchProposal, PayerAlias
from tests.dunning.factories import (
    NOW,
    TODAY,
    make_customer,
    make_entity,
    make_item,
    make_policy,
)

pytestmark = pytest.mark.django_db


def at_the_door(item, level, status=Notice.Status.RENDERED) -> Notice:
    """A notice about to leave."""
    run = Run.objects.create(
        legal_entity=item.legal_entity,
        as_of=TODAY,
        sequence=Run.objects.count() + 1,
        status=Run.Status.PLANNED,
        created_at=NOW,
    )
    notice = Notice.objects.create(
        run=run, legal_entity=item.legal_entity, customer=item.customer, level=level, currency=item.currency,
        status=Notice.Status.PROPOSED, as_of=TODAY, open_amount=item.open_amount, line_count=1,
        oldest_due_date=item.due_date, contact_key=item.customer.siren or f"C{item.customer_id}",
    )  # fmt: skip
    NoticeLine.objects.create(
        notice=notice, item=item, rank=level.rank, open_amount=item.open_amount, days_late=10
    )
    for step in (Notice.Status.APPROVED, Notice.Status.RENDERED, Notice.Status.SENDING):
        if notice.status == status:
            break
        notice.status = step
        notice.save(update_fields=["status"])
    return notice


def look(*notices: Notice, now=NOW, today=TODAY, **options) -> list[Notice]:
    with transaction.atomic():
        locked = list(
            Notice.objects.select_for_update(of=("self",))
            .select_related("customer", "level")
            .filter(pk__in=[notice.pk for notice in notices])
            .order_by("pk")
        )
        passing = passing_gate(actor=SYSTEM, notices=locked, today=today, now=now, **options)
    for notice in notices:
        notice.refresh_from_db()
    return passing


def account_of(entity, *, closed_on=None, name="Compte courant") -> BankAccount:
    account = BankAccount.objects.create(
        legal_entity=entity, name=name, iban=f"FR76{entity.pk:010d}{BankAccount.objects.count():013d}"
    )
    if closed_on is not None:
        statement_of(account, closed_on)
    return account


def statement_of(account, closed_on) -> BankStatement:
    from core.files import store_file

    file = BankFile.objects.create(
        legal_entity=account.legal_entity,
        file=store_file(
            content=f"{account.pk} {closed_on}".encode(), name="releve.xml", kind="invoices.bank_file",
            content_type="text/xml", now=NOW,
        ),
        received_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return BankStatement.objects.create(
        bank_file=file, bank_account=account, rank=1, status=BankStatement.Status.ACCEPTED, currency="EUR",
        from_date=closed_on, to_date=closed_on, fingerprint=f"{account.pk}-{closed_on}",
    )  # fmt: skip


def receipt(account, amount="1200.00", **fields) -> BankLine:
    statement = BankStatement.objects.filter(bank_account=account).first() or statement_of(account, TODAY)
    rank = statement.lines.count() + 1
    return BankLine.objects.create(
        statement=statement, bank_account=account, rank=rank, entry_rank=rank, status=BankLine.Status.OPEN,
        booking_date=TODAY, amount=Decimal(amount), currency="EUR", fingerprint=f"f{rank}", updated_at=NOW,
        **fields,
    )  # fmt: skip


@pytest.fixture
def door(books):
    entity, policy, customer, item = books
    return at_the_door(item, policy.levels.get(rank=1)), entity, policy, customer, item


def test_nothing_in_the_way(door) -> None:
    notice = door[0]
    assert look(notice) == [notice]
    assert notice.status == Notice.Status.RENDERED


@pytest.mark.parametrize(
    ("effect", "rank", "held"),
    [("HOLD", 1, True), ("REMINDERS_ONLY", 1, False), ("REMINDERS_ONLY", 3, True), ("POLICY", 1, True)],
)
@pytest.mark.parametrize("on_item", [True, False])
def test_an_exception_decided_meanwhile_holds_it(
    books, effect: str, rank: int, held: bool, on_item: bool
) -> None:
    _entity, policy, customer, item = books
    notice = at_the_door(item, policy.levels.get(rank=rank))
    DunningException.objects.create(
        customer=customer, item=item if on_item else None, effect=effect, reason="Accord commercial",
        policy_code="AUTRE" if effect == "POLICY" else "", from_date=TODAY, until=TODAY, created_at=NOW,
    )  # fmt: skip
    assert look(notice) == ([] if held else [notice])
    assert (notice.status == Notice.Status.HELD) is held
    assert notice.lines.get().in_force is not held


def test_an_exception_ends_by_its_dates_alone(door) -> None:
    notice, _entity, _policy, customer, _item = door
    for fields in (
        {"until": TODAY - timedelta(days=1), "effect": "HOLD"},
        {"ended_on": TODAY, "effect": "HOLD"},
        {"from_date": TODAY + timedelta(days=1), "effect": "REMINDERS_ONLY"},
    ):
        DunningException.objects.create(
            **{"customer": customer, "reason": "x", "from_date": TODAY - timedelta(days=9), "created_at": NOW}
            | fields
        )
    assert look(notice) == [notice]


def test_the_policy_of_an_item_goes_before_its_customers_and_a_hold_holds(door) -> None:
    notice, _entity, policy, customer, item = door
    common = {"customer": customer, "reason": "x", "from_date": TODAY, "created_at": NOW}
    DunningException.objects.create(effect="POLICY", policy_code="AUTRE", **common)
    DunningException.objects.create(effect="POLICY", policy_code=policy.code, item=item, **common)
    assert look(notice) == [notice]
    DunningException.objects.create(effect="HOLD", **common)
    assert look(notice) == []


def test_a_receipt_on_the_bank_account_makes_it_wait_and_then_it_leaves(door) -> None:
    notice, entity, _policy, customer, item = door
    line = receipt(account_of(entity))
    proposal = MatchProposal.objects.create(
        bank_line=line,
        customer=customer,
        rank=1,
        rule="EXACT",
        score=70,
        amount=item.open_amount,
        created_at=NOW,
    )
    assert look(notice) == []
    assert notice.status == Notice.Status.RENDERED
    assert notice.not_before > NOW
    assert "lettrage" in notice.wait_reason
    assert notice.lines.get().in_force
    # Looked at again and again, it is told once.
    assert look(notice) == []
    assert AuditEvent.objects.filter(verb="dunning.notice.waiting").count() == 1
    proposal.status = MatchProposal.Status.DISMISSED
    proposal.save()
    assert look(notice) == [notice]
    assert (notice.not_before, notice.wait_reason) == (None, "")


@pytest.mark.parametrize("sign", ["IBAN", "NAME"])
def test_a_receipt_under_a_known_sign_of_the_payer_makes_it_wait(door, sign: str) -> None:
    notice, entity, _policy, customer, _item = door
    account = account_of(entity)
    first = receipt(
        account, counterparty_iban="DE02120300000000202051", counterparty_name="MARTIN TRANSPORTS"
    )
    first.status, first.applied_amount = BankLine.Status.APPLIED, first.amount
    first.save()
    PayerAlias.objects.create(
        legal_entity=entity, customer=customer, kind=sign, learned_on=TODAY, last_used_on=TODAY,
        value="DE02120300000000202051" if sign == "IBAN" else "MARTIN TRANSPORTS", learned_from=first,
    )  # fmt: skip
    assert look(notice) == [notice]
    receipt(
        account,
        "300.00",
        counterparty_iban="DE02120300000000202051" if sign == "IBAN" else "",
        counterparty_name="MARTIN TRANSPORTS",
    )
    assert look(notice) == []


def test_money_that_went_out_keeps_nothing(door) -> None:
    notice, entity, _policy, customer, _item = door
    line = receipt(account_of(entity), "-50.00", counterparty_iban="DE02120300000000202051")
    PayerAlias.objects.create(
        legal_entity=entity, customer=customer, kind="IBAN", value=line.counterparty_iban, learned_on=TODAY,
        last_used_on=TODAY,
    )  # fmt: skip
    assert look(notice) == [notice]


def test_old_bank_data_makes_it_wait(door) -> None:
    notice, entity, *_rest = door
    DunningSettings.objects.create(legal_entity=entity, bank_freshness_days=2)
    # No account at all: nobody can know whether he paid.
    assert look(notice) == []
    assert "relevés" in notice.wait_reason
    friday, thursday, wednesday = (TODAY - timedelta(days=n) for n in (3, 4, 5))
    fresh = account_of(entity, closed_on=thursday)
    assert look(notice) == [notice]
    behind = account_of(entity, closed_on=wednesday, name="Autre banque")
    assert look(notice) == []
    statement_of(behind, friday)
    assert look(notice) == [notice]
    # A letter that is only printed does not leave.
    fresh.is_active = behind.is_active = False
    fresh.save()
    behind.save()
    to_print = at_the_door(
        make_item(make_customer(entity), "10.00", TODAY - timedelta(days=9)),
        notice.level,
        Notice.Status.APPROVED,
    )
    assert look(to_print) == [to_print]


def test_hours_and_days_of_the_policy(books) -> None:
    entity, _policy, _customer, item = books
    office = make_policy(entity, sending_weekdays="12345", sending_from="09:30", sending_until="17:00",
                         sends_on_holidays=False)  # fmt: skip
    mail = at_the_door(item, office.levels.get(rank=1))
    # 9:00 in Paris.
    assert look(mail) == []
    assert mail.not_before == NOW + timedelta(minutes=30)
    assert look(mail, now=mail.not_before) == [mail]
    letter = at_the_door(make_item(make_customer(entity), "9.00", item.due_date), office.levels.get(rank=3))
    assert look(letter) == [letter]
    sunday = NOW - timedelta(days=1)
    assert look(letter, now=sunday, today=sunday.date()) == []
    assert letter.not_before == NOW.replace(hour=23) - timedelta(days=1)
    assert look(letter, now=sunday, today=sunday.date(), waits=False) == [letter]


def test_a_contact_by_another_entity_holds_it_and_one_under_way_makes_it_wait(books) -> None:
    _entity, policy, customer, item = books
    customer.siren = "732829320"
    customer.save()
    other = make_entity()
    there = make_customer(other, siren="732829320")
    other_policy = make_policy(other)
    mine = at_the_door(item, policy.levels.get(rank=1))
    theirs = at_the_door(
        make_item(there, "50.00", item.due_date), other_policy.levels.get(rank=1), Notice.Status.SENDING
    )
    assert look(mine) == []
    assert mine.status == Notice.Status.RENDERED
    assert mine.not_before == NOW + timedelta(minutes=10)
    theirs.status, theirs.sent_on = Notice.Status.SENT, TODAY - timedelta(days=7)
    theirs.save()
    assert look(mine) == [mine]
    Notice.objects.filter(pk=theirs.pk).update(sent_on=TODAY - timedelta(days=6))
    assert look(mine) == []
    assert mine.status == Notice.Status.HELD


def test_the_same_run_is_one_contact(door) -> None:
    notice, _entity, policy, customer, _item = door
    dollars = make_item(customer, "80.00", TODAY - timedelta(days=20), currency="USD")
    beside = Notice.objects.create(
        run=notice.run, legal_entity=notice.legal_entity, customer=customer, level=policy.levels.get(rank=1),
        currency="USD", status=Notice.Status.SENT, sent_on=TODAY, as_of=TODAY, open_amount=dollars.open_amount,
        line_count=1, oldest_due_date=dollars.due_date, contact_key=notice.contact_key,
    )  # fmt: skip
    assert beside.contact_key
    assert look(notice) == [notice]


def test_while_stopped_nothing_passes_and_nothing_is_touched(door) -> None:
    notice, entity, *_rest = door
    stop = DunningStop.objects.create(legal_entity=entity, reason="Panne de l’ERP", stopped_at=NOW)
    assert look(notice) == []
    assert (notice.status, notice.not_before, notice.wait_reason) == (Notice.Status.RENDERED, None, "")
    stop.lifted_at = NOW
    stop.save()
    DunningStop.objects.create(legal_entity=make_entity(), reason="Autre", stopped_at=NOW)
    assert look(notice) == [notice]
    DunningStop.objects.create(legal_entity=None, reason="Tout", stopped_at=NOW)
    assert look(notice) == []


def test_a_thousand_notices_ask_as_many_questions_as_two(books) -> None:
    entity, policy, *_rest = books
    level: Level = policy.levels.get(rank=1)

    def count(size: int) -> int:
        notices = [
            at_the_door(make_item(make_customer(entity), "10.00", TODAY - timedelta(days=9)), level)
            for _ in range(size)
        ]
        make_item(notices[0].customer, "-3.00", TODAY)
        with CaptureQueriesContext(connection) as queries:
            look(*notices)
        return len(queries) - size

    assert count(2) == count(20)
