from collections.abc import Iterator

import pytest
from django.http import QueryDict

from core.keyset import chosen_order, keyset_page
from customers.models import Customer
from tests.customers.factories import CustomerFactory, LegalEntityFactory

pytestmark = pytest.mark.django_db


def walk(order: tuple[str, ...], size: int = 3) -> Iterator[list[str]]:
    cursor = ""
    while True:
        page = keyset_page(Customer.objects.all(), order=order, cursor=cursor, size=size)
        yield [customer.account_code for customer in page.rows]
        cursor = page.next_cursor
        if not cursor:
            return


@pytest.fixture
def eleven() -> list[Customer]:
    """Eleven customers, whose names repeat so that ties are cut by pages."""
    entity = LegalEntityFactory()
    return [
        CustomerFactory(legal_entity=entity, name=f"Nom {rank % 3}", account_code=f"C{rank:02d}")
        for rank in range(11)
    ]


@pytest.mark.parametrize(
    "order", [("name", "pk"), ("-name", "pk"), ("name", "-pk"), ("-name", "-pk"), ("segment", "name", "pk")]
)
def test_pages_cover_the_list_once_in_its_order(eleven: list[Customer], order: tuple[str, ...]) -> None:
    whole = list(Customer.objects.order_by(*order).values_list("account_code", flat=True))
    assert [code for page in walk(order) for code in page] == whole


def test_going_back_shows_the_same_page(eleven: list[Customer]) -> None:
    order = ("-name", "pk")
    first = keyset_page(Customer.objects.all(), order=order, size=4)
    second = keyset_page(Customer.objects.all(), order=order, cursor=first.next_cursor, size=4)
    third = keyset_page(Customer.objects.all(), order=order, cursor=second.next_cursor, size=4)
    back = keyset_page(Customer.objects.all(), order=order, cursor=third.previous_cursor, size=4)
    start = keyset_page(Customer.objects.all(), order=order, cursor=back.previous_cursor, size=4)
    assert back.rows == second.rows
    assert start.rows == first.rows
    assert start.previous_cursor == ""
    assert third.next_cursor == ""


def test_a_row_added_before_the_cursor_moves_nothing(eleven: list[Customer]) -> None:
    order = ("name", "pk")
    first = keyset_page(Customer.objects.all(), order=order, size=4)
    expected = keyset_page(Customer.objects.all(), order=order, cursor=first.next_cursor, size=4).rows
    CustomerFactory(name="Aaa", legal_entity=eleven[0].legal_entity)
    assert keyset_page(Customer.objects.all(), order=order, cursor=first.next_cursor, size=4).rows == expected


def test_a_foreign_or_altered_cursor_is_the_first_page(eleven: list[Customer]) -> None:
    order = ("name", "pk")
    first = keyset_page(Customer.objects.all(), order=order, size=4)
    other = keyset_page(Customer.objects.all(), order=("-name", "pk"), size=4)
    for cursor in (first.next_cursor[:-2], "x", "e30:1w:abc", other.next_cursor):
        assert keyset_page(Customer.objects.all(), order=order, cursor=cursor, size=4).rows == first.rows


def test_an_empty_list_has_no_neighbours() -> None:
    page = keyset_page(Customer.objects.all(), order=("pk",))
    assert (page.rows, page.next_cursor, page.previous_cursor) == ([], "", "")
    assert page.next_url(QueryDict("q=a")) == ""


def test_an_unknown_sort_is_the_default() -> None:
    sorts = {"name": "customer__name"}
    assert chosen_order("-name", sorts, ("due_date", "pk")) == ("-customer__name", "-pk")
    assert chosen_order("password", sorts, ("due_date", "pk")) == ("due_date", "pk")
