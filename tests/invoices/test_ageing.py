"""The balance âgée: where an amount falls, as of any date, stored or computed, for whom."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from random import Random
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.http import QueryDict

from core import clock
from core.errors import NotAllowed
from core.keyset import BadCursor
from core.models import AuditEvent, Role, User
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from invoices import tasks
from invoices.ageing import AgeingFilters, AgeingPage, ageing, ageing_rows_of_all, ageing_totals
from invoices.ageing_buckets import CREDITS_APART, STORED, Basis, Credits, Scheme
from invoices.filters_ageing import AgeingFilter
from invoices.models import AgeingDay, AgeingSnapshot, AgeingTotal
from invoices.operations.ageing import forget_old_days, refresh_ageing, store_ageing
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import (
    AllocationFactory,
    CreditNoteFactory,
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


def sums(page: AgeingPage) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in page.rows:
        found[row.currency] = found.get(row.currency, Decimal(0)) + row.total
    return found


# --- whom one sees, sorts, cursors, filters -----------------------------------------------------------------


@pytest.fixture
def portfolio() -> list[Customer]:
    """Seven customers of two entities: amounts 100 … 700, the later ones more overdue."""
    entities = [LegalEntityFactory(code="NORD"), LegalEntityFactory(code="SUD")]
    customers = []
    for number in range(1, 8):
        customer = CustomerFactory(
            legal_entity=entities[number % 2],
            name=f"Société {'ÉBCAGFD'[number - 1]}",
            account_code=f"K{number}",
            segment="Grands comptes" if number > 4 else "PME",
            country="DE" if number == 2 else "FR",
        )
        OpenItemFactory(
            customer=customer,
            total_amount=Decimal(number * 100),
            issue_date=date(2026, 1, 1),
            due_date=JUNE_30 - timedelta(days=(number - 2) * 20),
        )
        customers.append(customer)
    CreditNoteFactory(customer=customers[0], issue_date=date(2026, 6, 1), total_amount=Decimal("-30.00"))
    return customers


@pytest.mark.django_db
class TestReading:
    @pytest.fixture(params=["stored", "computed"], autouse=True)
    def source(self, request: pytest.FixtureRequest, portfolio: list[Customer]) -> str:
        if request.param == "stored":
            store_all(JUNE_30)
        return str(request.param)

    @pytest.mark.parametrize(
        "sort",
        ["name", "-name", "code", "-total", "total", "-overdue", "-credits", "credits", "oldest", "-oldest",
         "-bucket_0", "bucket_3", "-disputed"],
    )  # fmt: skip
    def test_pages_by_cursor_are_the_whole_list_there_and_back(self, sort: str) -> None:
        whole = [row.customer_id for row in ageing(actor=SYSTEM, as_of=JUNE_30, sort=sort).rows]
        assert whole == [
            row.customer_id for row in ageing_rows_of_all(actor=SYSTEM, as_of=JUNE_30, sort=sort)
        ]
        assert len(whole) == 7
        seen: list[int] = []
        pages: list[AgeingPage] = []
        cursor = ""
        while not pages or cursor:
            page = ageing(actor=SYSTEM, as_of=JUNE_30, sort=sort, cursor=cursor, limit=3)
            pages.append(page)
            seen += [row.customer_id for row in page.rows]
            cursor = page.next_cursor
        assert seen == whole
        assert pages[0].previous_cursor == ""
        back = ageing(actor=SYSTEM, as_of=JUNE_30, sort=sort, cursor=pages[2].previous_cursor, limit=3)
        assert back.rows == pages[1].rows
        first = ageing(actor=SYSTEM, as_of=JUNE_30, sort=sort, cursor=back.previous_cursor, limit=3)
        assert first.rows == pages[0].rows and first.previous_cursor == ""
        assert all(page.totals == pages[0].totals for page in pages)

    def test_unknown_sort_gives_the_most_overdue_first(self) -> None:
        page = ageing(actor=SYSTEM, as_of=JUNE_30, sort="password; DROP TABLE")
        assert [row.account_code for row in page.rows][:2] == ["K7", "K6"]

    def test_foreign_cursors(self) -> None:
        first = ageing(actor=SYSTEM, as_of=JUNE_30, sort="name", limit=3)
        for cursor in ("nonsense", first.next_cursor + "x", first.next_cursor):
            page = ageing(actor=SYSTEM, as_of=JUNE_30, sort="-total", cursor=cursor, limit=3)
            assert [row.account_code for row in page.rows] == ["K7", "K6", "K5"]
            with pytest.raises(BadCursor):
                ageing(actor=SYSTEM, as_of=JUNE_30, sort="-total", cursor=cursor, strict=True)

    @pytest.mark.parametrize(
        ("query", "codes"),
        [
            ("segment=Grands comptes", "K5 K6 K7"),
            ("q=SOCIETE e", "K1"),
            ("country=de", "K2"),
            ("bucket=0", "K1 K2"),
            ("bucket=2", "K4 K5"),
            ("bucket=4", "K7"),
            ("min_overdue=500", "K5 K6 K7"),
            ("segment=PME&min_overdue=400", "K4"),
            ("currency=usd", ""),
            ("kind=CONSUMER", ""),
        ],
    )
    def test_filters_narrow_rows_and_totals_alike(self, query: str, codes: str) -> None:
        asked = AgeingFilter(QueryDict(query)).read(JUNE_30)
        page = ageing(actor=SYSTEM, sort="code", **asked)
        assert " ".join(row.account_code for row in page.rows) == codes
        assert {each.currency: each.total for each in page.totals} == sums(page)
        assert all(each.is_reconciled for each in page.totals)
        assert sum(each.customer_count for each in page.totals) == len(page.rows)
        exported = ageing_rows_of_all(actor=SYSTEM, sort="code", **asked)
        assert " ".join(row.account_code for row in exported) == codes

    def test_one_entity_sees_its_own(self, make_user: Callable[..., User]) -> None:
        north = LegalEntity.objects.get(code="NORD")
        user = make_user(Role.ACCOUNTANT, sees=[north])
        page = ageing(actor=user, as_of=JUNE_30, sort="code")
        assert [row.account_code for row in page.rows] == ["K2", "K4", "K6"]
        assert [(each.total, each.customer_count) for each in page.totals] == [(1200, 3)]
        south = ageing(actor=user, as_of=JUNE_30, legal_entity=LegalEntity.objects.get(code="SUD"))
        assert (south.rows, south.totals) == ([], [])

    def test_own_portfolio_only(self, make_user: Callable[..., User], portfolio: list[Customer]) -> None:
        user = make_user(Role.CREDIT_MANAGER, own_portfolio_only=True)
        Customer.objects.filter(account_code__in=["K3", "K4"]).update(portfolio_owner=user)
        page = ageing(actor=user, as_of=JUNE_30, sort="code")
        assert [row.account_code for row in page.rows] == ["K3", "K4"]
        assert [each.total for each in page.totals] == [700]
        all_of_others = AgeingFilters(customers=Customer.objects.exclude(portfolio_owner=user))
        page = ageing(actor=user, as_of=JUNE_30, filters=all_of_others)
        assert (page.rows, page.totals) == ([], [])
        assert list(ageing_rows_of_all(actor=user, as_of=JUNE_30, filters=all_of_others)) == []

    def test_nobody_sees_nothing(self, make_user: Callable[..., User]) -> None:
        page = ageing(actor=make_user(Role.CREDIT_MANAGER, sees=[]), as_of=JUNE_30)
        assert (page.rows, page.totals) == ([], [])


# --- the command ------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[list[str], dict[str, Any]]:
    out = StringIO()
    call_command("ageing", *arguments, stdout=out)
    *lines, last = out.getvalue().splitlines()
    return lines, json.loads(last)


@pytest.mark.django_db
class TestCommand:
    def test_totals_as_json(self, portfolio: list[Customer]) -> None:
        lines, result = run("--as-of", "2026-06-30")
        assert lines == []
        assert result["total"] == result["sub_ledger_total"] == {"EUR": "2770.00"}
        assert result["buckets"]["EUR"] == {
            "not_due": "300.00",
            "1-30": "300.00",
            "31-60": "900.00",
            "61-90": "600.00",
            "91-120": "700.00",
            "121+": "0.00",
        }
        assert sum(map(Decimal, result["buckets"]["EUR"].values())) == 2800
        assert result["credits"] == {"EUR": "-30.00"} and result["customers"] == {"EUR": 7}
        assert result["seconds"] >= 0

    def test_rows_as_csv_before(self, portfolio: list[Customer]) -> None:
        lines, result = run("--as-of", "30/06/2026", "--entity", "NORD", "--format", "csv")
        assert lines[0].startswith("account_code;name;currency;not_due;1-30;")
        assert len(lines) == 4
        assert result["total"] == {"EUR": "1200.00"}

    def test_other_schemes(self, portfolio: list[Customer]) -> None:
        _lines, result = run("--as-of", "2026-06-30", "--basis", "issue", "--bounds", "15,200")
        assert list(result["buckets"]["EUR"]) == ["0-15", "16-200", "201+"]

    def test_refusals_say_what_to_do(self, portfolio: list[Customer]) -> None:
        with pytest.raises(CommandError, match="NORD, SUD"):
            run("--entity", "EST")
        with pytest.raises(CommandError, match="février 2026 compte 28 jours"):
            run("--as-of", "30/02/2026")
        with pytest.raises(CommandError, match="croissants"):
            run("--bounds", "60,30")
