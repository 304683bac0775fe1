"""The `demo` command: what it tells, and what it refuses."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config.demo.creditors import PASSWORD
from core.models import User
from customers.models import Customer, LegalEntity


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("demo", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().splitlines()


@pytest.mark.django_db
def test_command_loads_tells_and_refuses_a_second_time() -> None:
    arguments = ("--customers", "8", "--invoices", "3", "--seed", "4", "--as-of", "2026-11-23")
    lines = run(*arguments)
    told = json.loads(lines[-1])
    assert (told["customers"], told["invoices"], told["seed"], told["as_of"]) == (8, 24, 4, "2026-11-23")
    assert {"payments", "allocations", "seconds"} < told.keys()
    assert told["accounts"][0]["login"] == "demo@encours.example"
    assert PASSWORD in lines[1]
    with pytest.raises(CommandError, match="base vide"):
        run(*arguments)
    assert Customer.objects.count() == 8
    assert json.loads(run("--if-empty")[-1]) == {"loaded": False}
    assert Customer.objects.count() == 8
    accounts = run("--accounts")
    assert len(accounts) == 6
    assert all(PASSWORD in line for line in accounts)
    main = User.objects.get(email="demo@encours.example")
    main.set_password("mot-de-passe-choisi")
    main.save()
    assert not any(PASSWORD in line for line in run("--accounts"))


@pytest.mark.django_db
def test_accounts_alone_load_nothing() -> None:
    assert run("--accounts") == []
    assert not LegalEntity.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--as-of", "23/11/2026"), "AAAA-MM-JJ"),
        (("--as-of", "1990-01-01"), "entre le"),
        (("--customers", "0"), "Au moins un client"),
        (("--customers", "100000", "--invoices", "1000"), "au plus"),
    ],
)
def test_command_refuses_what_makes_no_sense(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        run(*arguments)
    assert not LegalEntity.objects.exists()
