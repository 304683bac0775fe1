"""A frozen day, one creditor and a credit manager for the tests of the risk pages."""

import pytest
from django.test import Client

from core import clock
from core.models import Role
from customers.models import LegalEntity
from tests.customers.factories import LegalEntityFactory
from tests.risk.factories import NOW, TODAY


@pytest.fixture
def frozen_day(monkeypatch) -> None:
    monkeypatch.setattr(clock, "today", lambda: TODAY)
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def entity() -> LegalEntity:
    return LegalEntityFactory(code="VAL", name="Fournitures Valtermont")


@pytest.fixture
def client(make_user, sign_in) -> Client:
    return sign_in(make_user(Role.CREDIT_MANAGER))
