"""The balance âgée as read: whom one sees, sorted, page by page, filtered; and the command."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import QueryDict

from core.keyset import BadCursor
from core.models import Role, User
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from invoices.ageing import AgeingFilters, AgeingPage, ageing, ageing_rows_of_all
from invoices.filters_ageing import AgeingFilter
from invoices.operations.ageing import store_ageing
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory

JUNE_30 = date(2026, 6, 30)
NOW = datetime(2026, 6, 30, 22, 20, tzinfo=UTC)


def store_all(as_of: date) -> None:
    for entity in LegalEntity.objects.all():
        store_ageing(actor=SYSTEM, legal_entity=entity, as_of=as_of, now=NOW)


def sums(page: AgeingPage) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in page.rows:
        found[row.currency] = found.get(row.currency, Decimal(0)) + row.total
    return found


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
