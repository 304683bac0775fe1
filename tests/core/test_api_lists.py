"""Lists by cursor, and how many requests a minute."""

import time

import pytest

from core.models import Role
from customers.models import Customer
from tests.api_client import Partner, everything, problem
from tests.customers.factories import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner(make_user) -> Partner:
    return Partner(make_user(Role.API_PARTNER))


def test_every_row_comes_once_whatever_the_size_of_pages(partner: Partner) -> None:
    CustomerFactory.create_batch(7)
    expected = [
        str(uid) for uid in Customer.objects.order_by("updated_at", "pk").values_list("uid", flat=True)
    ]
    for limit in (1, 2, 3, 7, 200):
        rows = everything(lambda cursor, limit=limit: partner.get(f"customers?limit={limit}&cursor={cursor}"))
        assert [row["id"] for row in rows] == expected


def test_rows_changed_while_reading_come_again_and_none_is_missed(partner: Partner) -> None:
    customers = CustomerFactory.create_batch(5)
    first = partner.get("customers?limit=2").json()
    customers[0].save()
    customers[4].save()
    rest = partner.get(f"customers?cursor={first['next_cursor']}").json()["results"]
    assert {row["id"] for row in first["results"] + rest} == {str(customer.uid) for customer in customers}
    assert [row["id"] for row in rest][-2:] == [str(customers[0].uid), str(customers[4].uid)]


def test_the_next_address_keeps_the_filters(partner: Partner) -> None:
    CustomerFactory.create_batch(3, kind=Customer.Kind.COMPANY)
    answer = partner.get("customers?limit=2&kind=COMPANY&kind=CONSUMER").json()
    assert answer["next"].startswith(
        "http://testserver/api/v1/customers?limit=2&kind=COMPANY&kind=CONSUMER&cursor="
    )
    rest = partner.client.get(answer["next"]).json()
    assert (len(rest["results"]), rest["next"], rest["next_cursor"]) == (1, None, None)


def test_updated_after_gives_what_changed_since(partner: Partner) -> None:
    old, changed = CustomerFactory(), CustomerFactory()
    instant = partner.get(f"customers/{changed.uid}").json()["updated_at"]
    assert instant.endswith("Z")
    changed.save()
    rows = partner.get(f"customers?updated_after={instant}").json()["results"]
    assert [row["id"] for row in rows] == [str(changed.uid)]
    assert str(old.uid) not in str(rows)


def test_an_empty_list_is_a_list(partner: Partner) -> None:
    assert partner.get("customers").json() == {"results": [], "next_cursor": None, "next": None}


def test_requests_are_counted_and_refused_beyond_the_limit(partner: Partner, settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    # In one and the same minute.
    time.sleep(max(0.0, 60.5 - time.time() % 60) if time.time() % 60 > 55 else 0)
    answers = [partner.get("customers") for _time in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer["RateLimit-Limit"] for answer in answers} == {"3"}
    found = problem(answers[-1], 429, "too_many_requests")
    assert found["retryable"] is True
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert int(answers[-1]["Retry-After"]) == int(answers[-1]["RateLimit-Reset"])


def test_each_key_has_its_own_count(make_user, settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    user = make_user(Role.API_PARTNER)
    assert Partner(user).get("customers").status_code == Partner(user).get("customers").status_code == 200


def test_without_redis_nobody_is_refused(partner: Partner, settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    response = partner.get("customers")
    assert response.status_code == 200
    assert "RateLimit-Limit" not in response
