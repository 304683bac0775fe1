"""The balance âgée: where an amount falls, as of any date, stored or computed."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from core import clock
from core.errors import NotAllowed
from core.models import AuditEvent, Role, User
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices import tasks
from invoices.ageing import AgeingFilters, AgeingPage, ageing, ageing_totals
from invoices.ageing_buckets import CREDITS_APART, STORED, Basis, Credits, Scheme
from invoices.models import AgeingDay, AgeingSnapshot, AgeingTotal
from invoices.operations.ageing import forget_old_days, refresh_ageing, store_ageing
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import (
    AllocationFactory,
    DisputeFactory,
    OpenItemFactory,
    PaymentFactory,
)
from tests.invoices.ledgers import FIRST_DAY, LivingLedger, expected_ageing

JUNE_30 = date(2026, 6, 30)
NOW = datetime(2026, 6, 30, 22, 20, tzinfo=UTC)

SCHEMES = [
    STORED,
    Scheme(basis=Basis.ISSUE),
    Scheme(credits=Credits.OWN_DATE),
    Scheme(basis=Basis.ISSUE, credits=Credits.OWN_DATE),
    Scheme(bounds=(7, 15)),
]


def by_key(page: AgeingPage) -> dict[tuple[int, str], dict[str, Any]]:
    return {
        (row.customer_id, row.currency): {
            "buckets": list(row.buckets),
            "credits": row.credits,
            "overdue": row.overdue,
            "disputed": row.disputed,
            "total": row.total,
            "oldest_due_date": row.oldest_due_date,
        }
        for row in page.rows
    }


def sums(page: AgeingPage) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in page.rows:
        found[row.currency] = found.get(row.currency, Decimal(0)) + row.total
    return found


def store_all(as_of: date) -> None:
    for entity in LegalEntity.objects.all():
        store_ageing(actor=SYSTEM, legal_entity=entity, as_of=as_of, now=NOW)


# --- the rule ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "scheme", "issue_date", "due_date", "bucket"),
    [
        ("issued 1 April, due 31 May, by due date", STORED, date(2026, 4, 1), date(2026, 5, 31), 1),
        ("the same by invoice date", Scheme(Basis.ISSUE), date(2026, 4, 1), date(2026, 5, 31), 2),
        ("due today is not overdue", STORED, date(2026, 6, 1), JUNE_30, 0),
        ("due yesterday", STORED, date(2026, 6, 1), date(2026, 6, 29), 1),
        ("due tomorrow", STORED, date(2026, 6, 1), date(2026, 7, 1), 0),
        ("30 days late", STORED, date(2026, 5, 1), date(2026, 5, 31), 1),
        ("31 days late", STORED, date(2026, 5, 1), date(2026, 5, 30), 2),
        ("60 days late", STORED, date(2026, 5, 1), date(2026, 5, 1), 2),
        ("61 days late", STORED, date(2026, 4, 30), date(2026, 4, 30), 3),
        ("90 days late", STORED, date(2026, 4, 1), date(2026, 4, 1), 3),
        ("91 days late", STORED, date(2026, 3, 31), date(2026, 3, 31), 4),
        ("120 days late", STORED, date(2026, 3, 2), date(2026, 3, 2), 4),
        ("121 days late", STORED, date(2026, 3, 1), date(2026, 3, 1), 5),
        ("issued today", Scheme(Basis.ISSUE), JUNE_30, date(2026, 7, 30), 0),
        ("30 days old", Scheme(Basis.ISSUE), date(2026, 5, 31), date(2026, 7, 30), 0),
        ("31 days old", Scheme(Basis.ISSUE), date(2026, 5, 30), date(2026, 7, 30), 1),
        ("90 days old", Scheme(Basis.ISSUE), date(2026, 4, 1), date(2026, 7, 30), 2),
        ("91 days old", Scheme(Basis.ISSUE), date(2026, 3, 31), date(2026, 7, 30), 3),
        ("7 days late in a week's buckets", Scheme(bounds=(7, 15)), date(2026, 6, 1), date(2026, 6, 23), 1),
        ("8 days late in a week's buckets", Scheme(bounds=(7, 15)), date(2026, 6, 1), date(2026, 6, 22), 2),
    ],
)
@pytest.mark.django_db
def test_bucket(case: str, scheme: Scheme, issue_date: date, due_date: date, bucket: int) -> None:
    """In Python and in SQL."""
    assert scheme.bucket_of(issue_date=issue_date, due_date=due_date, as_of=JUNE_30) == bucket, case
    OpenItemFactory(issue_date=issue_date, due_date=due_date, total_amount=Decimal("100.00"))
    (totals,) = ageing_totals(actor=SYSTEM, as_of=JUNE_30, scheme=scheme)
    assert [index for index, amount in enumerate(totals.buckets) if amount] == [bucket], case
    assert totals.overdue == (100 if due_date < JUNE_30 else 0)


def test_credits_stand_apart_or_at_their_own_date() -> None:
    dates = {"issue_date": date(2026, 4, 1), "due_date": date(2026, 4, 1), "as_of": JUNE_30}
    assert STORED.bucket_of(**dates, is_credit=True) == CREDITS_APART
    assert Scheme(credits=Credits.OWN_DATE).bucket_of(**dates, is_credit=True) == 3


@pytest.mark.parametrize("bounds", [(0, 30), (30, 30), (60, 30), (30, 4000), tuple(range(1, 10))])
def test_bounds_must_rise(bounds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rising"):
        Scheme(bounds=bounds)


def test_labels_and_days_of_buckets_agree() -> None:
    assert STORED.labels() == ["Non échu", "1–30 j", "31–60 j", "61–90 j", "91–120 j", "> 120 j"]
    assert Scheme(Basis.ISSUE).labels() == ["0–30 j", "31–60 j", "61–90 j", "> 90 j"]
    for scheme in SCHEMES:
        assert len(scheme.labels()) == scheme.size
        for bucket in range(scheme.size):
            for day in scheme.day_range(bucket):
                if day is not None:
                    then = JUNE_30 - timedelta(days=day)
                    assert scheme.bucket_of(issue_date=then, due_date=then, as_of=JUNE_30) == bucket


# --- as of any date ---------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestAsOf:
    def test_part_payment_counts_from_its_day(self) -> None:
        invoice = OpenItemFactory(issue_date=date(2026, 1, 1), due_date=date(2026, 1, 31))
        payment = PaymentFactory(
            customer=invoice.customer, issue_date=date(2026, 3, 1), total_amount=Decimal("-500.00")
        )
        AllocationFactory(debit=invoice, credit=payment, allocated_on=date(2026, 3, 10))
        story = {
            date(2025, 12, 31): None,
            date(2026, 2, 28): ("1200.00", "0.00", "1200.00"),
            date(2026, 3, 1): ("1200.00", "-500.00", "700.00"),
            date(2026, 3, 9): ("1200.00", "-500.00", "700.00"),
            date(2026, 3, 10): ("700.00", "0.00", "700.00"),
        }
        for day, figures in story.items():
            totals = ageing_totals(actor=SYSTEM, as_of=day)
            found = [(str(each.overdue), str(each.credits), str(each.total)) for each in totals]
            assert found == ([figures] if figures else []), day
            assert all(each.is_reconciled for each in totals)

    def test_reversed_allocation_counts_until_the_day_before(self) -> None:
        invoice = OpenItemFactory(issue_date=date(2026, 1, 1))
        payment = PaymentFactory(customer=invoice.customer, issue_date=date(2026, 2, 1))
        AllocationFactory(
            debit=invoice,
            credit=payment,
            amount=Decimal("1200.00"),
            allocated_on=date(2026, 2, 1),
            reversed_on=date(2026, 2, 10),
        )
        assert ageing_totals(actor=SYSTEM, as_of=date(2026, 2, 9)) == []
        (totals,) = ageing_totals(actor=SYSTEM, as_of=date(2026, 2, 10))
        assert (totals.overdue, totals.credits, totals.total) == (1200, -1200, 0)
        assert totals.overdue_share is None

    def test_disputed_part_is_capped_by_what_is_open(self) -> None:
        invoice = OpenItemFactory(issue_date=date(2026, 1, 1))
        DisputeFactory(item=invoice, amount=Decimal("900.00"), opened_on=date(2026, 1, 15))
        payment = PaymentFactory(
            customer=invoice.customer, issue_date=date(2026, 2, 1), total_amount=Decimal("-800.00")
        )
        AllocationFactory(debit=invoice, credit=payment)
        disputed = {
            day: ageing_totals(actor=SYSTEM, as_of=day)[0].disputed
            for day in (date(2026, 1, 14), date(2026, 1, 15), date(2026, 2, 1))
        }
        assert list(disputed.values()) == [0, 900, 400]

    def test_currencies_are_never_added(self) -> None:
        customer = CustomerFactory()
        OpenItemFactory(customer=customer, total_amount=Decimal("100.00"))
        OpenItemFactory(customer=customer, total_amount=Decimal("70.00"), currency="USD")
        page = ageing(actor=SYSTEM, as_of=JUNE_30)
        assert {each.currency: each.total for each in page.totals} == {"EUR": 100, "USD": 70}
        assert [(row.currency, row.total) for row in page.rows] == [("EUR", 100), ("USD", 70)]
        (usd,) = ageing(actor=SYSTEM, as_of=JUNE_30, filters=AgeingFilters(currency="USD")).totals
        assert (usd.total, usd.sub_ledger, usd.customer_count) == (70, 70, 1)

    @pytest.mark.parametrize("seed", range(4))
    def test_any_date_of_a_random_ledger_equals_the_sum_of_its_items(self, seed: int) -> None:
        """In every scheme, stored or not; and the total is the sub-ledger's to the cent."""
        ledger = LivingLedger(seed)
        for _day in ledger.live(40):
            pass
        days = [FIRST_DAY + timedelta(days=number) for number in range(-2, 130, 9)]
        for as_of in Random(seed).sample(days, 6):
            for scheme in SCHEMES:
                page = ageing(actor=SYSTEM, as_of=as_of, scheme=scheme, limit=1000)
                assert page.stored_at is None
                assert by_key(page) == expected_ageing(as_of, scheme), (as_of, scheme)
                assert all(totals.is_reconciled for totals in page.totals)
            computed = ageing(actor=SYSTEM, as_of=as_of, limit=1000)
            store_all(as_of)
            stored = ageing(actor=SYSTEM, as_of=as_of, limit=1000)
            assert stored.stored_at == NOW
            assert (stored.rows, stored.totals) == (computed.rows, computed.totals)


# --- the stored day ---------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestStoredDay:
    def test_storing_twice_gives_the_same(self) -> None:
        OpenItemFactory()
        store_all(JUNE_30)
        before = list(AgeingSnapshot.objects.values("customer", "total_amount"))
        store_all(JUNE_30)
        assert AgeingDay.objects.count() == 1
        assert list(AgeingSnapshot.objects.values("customer", "total_amount")) == before
        assert AgeingTotal.objects.count() == 1
        assert AuditEvent.objects.filter(verb="invoices.ageing.stored").count() == 2

    def test_storing_needs_the_right(self, make_user: Callable[..., User]) -> None:
        entity = LegalEntityFactory()
        with pytest.raises(NotAllowed):
            store_ageing(actor=make_user(Role.CREDIT_MANAGER), legal_entity=entity, as_of=JUNE_30, now=NOW)
        assert not AgeingDay.objects.exists()

    def test_an_entity_without_its_day_makes_all_computed(self) -> None:
        one, other = OpenItemFactory(), OpenItemFactory()
        store_ageing(actor=SYSTEM, legal_entity=one.legal_entity, as_of=JUNE_30, now=NOW)
        assert ageing(actor=SYSTEM, as_of=JUNE_30).stored_at is None
        assert ageing(actor=SYSTEM, as_of=JUNE_30, legal_entity=one.legal_entity).stored_at == NOW
        assert ageing(actor=SYSTEM, as_of=JUNE_30, legal_entity=other.legal_entity).stored_at is None

    @pytest.mark.parametrize("seed", range(3))
    def test_movements_keep_the_latest_day_true_and_make_older_ones_stale(self, seed: int) -> None:
        ledger = LivingLedger(100 + seed)
        for _day in ledger.live(12):
            pass
        older, latest = ledger.day - timedelta(days=3), ledger.day + timedelta(days=60)
        store_all(older)
        store_all(latest)
        for day, moved in ledger.live(15):
            # An invoice may be dated twenty days back.
            refresh_ageing(customer_ids=moved, effective_from=day - timedelta(days=20))
            page = ageing(actor=SYSTEM, as_of=latest, limit=1000)
            assert page.stored_at == NOW
            assert by_key(page) == expected_ageing(latest), day
            assert {each.currency: each.total for each in page.totals} == sums(page)
            assert all(totals.is_reconciled for totals in page.totals)
        stale = ageing(actor=SYSTEM, as_of=older, limit=1000)
        assert stale.stored_at is None
        assert by_key(stale) == expected_ageing(older)
        assert not AgeingDay.objects.filter(as_of=latest, is_stale=True).exists()

    def test_a_movement_after_the_day_leaves_it_alone(self) -> None:
        item = OpenItemFactory(issue_date=date(2026, 6, 1))
        store_all(JUNE_30)
        refresh_ageing(customer_ids=[item.customer_id], effective_from=date(2026, 7, 1))
        assert AgeingTotal.objects.count() == 1

    def test_a_customer_who_owes_nothing_any_more_leaves_the_day(self) -> None:
        item = OpenItemFactory(issue_date=date(2026, 6, 1))
        store_all(JUNE_30)
        AllocationFactory(
            debit=item, credit=PaymentFactory(customer=item.customer, issue_date=date(2026, 6, 2))
        )
        refresh_ageing(customer_ids=[item.customer_id], effective_from=date(2026, 6, 2))
        page = ageing(actor=SYSTEM, as_of=JUNE_30)
        assert (page.rows, page.totals, page.stored_at) == ([], [], NOW)

    def test_old_days_are_forgotten_but_the_ends_of_months(self) -> None:
        OpenItemFactory()
        for day in (date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 30), date(2026, 6, 1), JUNE_30):
            store_all(day)
        assert forget_old_days(today=JUNE_30) == 1
        kept = AgeingDay.objects.order_by("as_of").values_list("as_of", flat=True)
        assert list(kept) == [date(2026, 3, 31), date(2026, 4, 30), date(2026, 6, 1), JUNE_30]

    def test_nightly_task_stores_today_and_stale_days(self) -> None:
        OpenItemFactory(issue_date=date(2020, 1, 1))
        yesterday = clock.today() - timedelta(days=1)
        store_all(yesterday)
        AgeingDay.objects.update(is_stale=True)
        assert tasks.store_ageing_of_the_day() == 2
        assert not AgeingDay.objects.filter(is_stale=True).exists()
        assert AgeingDay.objects.filter(as_of=clock.today()).count() == 1
        assert tasks.store_ageing_of_the_day() == 0


@pytest.mark.django_db(transaction=True)
def test_two_people_moving_one_account_lose_nothing() -> None:
    """The second waits for the first, then counts both movements."""
    customer = CustomerFactory()
    OpenItemFactory(customer=customer, total_amount=Decimal("1.00"))
    store_all(JUNE_30)
    errors: list[BaseException] = []

    def post(amount: str) -> None:
        try:
            with transaction.atomic():
                OpenItemFactory(customer=customer, total_amount=Decimal(amount), number=f"FA-{amount}")
                refresh_ageing(customer_ids=[customer.pk], effective_from=date(2026, 1, 1))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=post, args=[amount]) for amount in ("10.00", "100.00", "1000.00")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert not errors
    page = ageing(actor=SYSTEM, as_of=JUNE_30)
    assert page.stored_at == NOW
    assert [row.total for row in page.rows] == [Decimal("1111.00")]
    assert [(each.total, each.customer_count) for each in page.totals] == [(Decimal("1111.00"), 1)]
