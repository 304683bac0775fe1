"""Every route, every role, held to a matrix written by hand.

A matrix derived from the grants would pass when a grant is widened by mistake. Each line of
`permission_matrix.csv` names a route and a method, and what each role gets: `ok` (anything but a refusal),
`403`, `login` (sent to the sign-in page) or `401`.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from core.models import Role
from tests.house.world import ROUTE_ARGUMENTS, build_world

MATRIX = Path(__file__).with_name("permission_matrix.csv")
WHO = ("anonymous", "credit_manager", "accountant", "finance_director", "administrator", "api_partner")
# Django's own addresses, whose doors are not ours.
FOREIGN = {"static", "media"}


def routes(patterns: list, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from routes(pattern.url_patterns, space)
        elif isinstance(pattern, URLPattern):
            assert pattern.name, f"a route without a name: {pattern.pattern}"
            yield f"{prefix}{pattern.name}"


def matrix() -> list[dict[str, str]]:
    with MATRIX.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_the_matrix_names_every_route_and_no_other() -> None:
    there = set(routes(get_resolver().url_patterns)) - FOREIGN
    named = {row["route"] for row in matrix()}
    assert there - named == set(), "routes that the matrix forgets"
    assert named - there == set(), "routes of the matrix that are gone"


def address(route: str, world: dict[str, object]) -> str:
    if route == "api:unknown":
        return "/api/v1/nothing-here"
    arguments = {name: world.get(value, value) for name, value in ROUTE_ARGUMENTS.get(route, {}).items()}
    try:
        return reverse(route, kwargs=arguments)
    except NoReverseMatch as error:
        raise AssertionError(f"{route} needs arguments: name them in tests/house/world.py") from error


def outcome(response: object) -> str:
    status = response.status_code  # type: ignore[attr-defined]
    if status in (401, 403):
        return str(status)
    location = response.headers.get("Location", "")  # type: ignore[attr-defined]
    if status == 302 and location.startswith(reverse("login")):
        return "login"
    return "ok"


@pytest.mark.django_db
@pytest.mark.parametrize("who", WHO)
def test_every_route_answers_each_role_as_the_matrix_says(who: str, make_user) -> None:
    world = build_world()
    client = Client(raise_request_exception=False)
    if who != "anonymous":
        user = make_user(Role[who.upper()])
        client.force_login(user)
    wrong = []
    for row in matrix():
        # `logout` last: it ends the session that the others need.
        url = address(row["route"], world)
        if row["route"] == "logout":
            continue
        response = client.generic(row["method"], url)
        if response.status_code >= 500:
            wrong.append(f"{row['method']} {row['route']}: {response.status_code}")
        elif outcome(response) != row[who]:
            wrong.append(f"{row['method']} {row['route']}: {outcome(response)}, not {row[who]}")
    assert not wrong, f"{who}:\n" + "\n".join(wrong)


@pytest.mark.django_db
def test_a_person_without_any_role_gets_nowhere(make_user) -> None:
    world = build_world()
    client = Client(raise_request_exception=False)
    client.force_login(make_user(email="nobody@example.test"))
    open_to_all = {row["route"] for row in matrix() if row["anonymous"] == "ok"}
    let_in = [
        f"{row['method']} {row['route']}"
        for row in matrix()
        if row["route"] not in open_to_all | {"logout", "password_change", "password_change_done"}
        and outcome(client.generic(row["method"], address(row["route"], world))) != "403"
    ]
    assert not let_in
