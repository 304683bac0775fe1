"""A customer, and the credit manager who looks at what he contests or promises."""

from typing import Any

import pytest
from django.test import Client

from core.models import Role, User
from customers.models import Customer, LegalEntity
from tests.customers.factories import CustomerFactory, LegalEntityFactory
from tests.invoices.contested.pages import NOW


@pytest.fixture(autouse=True)
def frozen(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def entity() -> LegalEntity:
    return LegalEntityFactory(code="PERCHE")


@pytest.fixture
def customer(entity: LegalEntity) -> Customer:
    return CustomerFactory(name="Énergie du Loir", legal_entity=entity)


@pytest.fixture
def manager(make_user: Any) -> User:
    return make_user(Role.CREDIT_MANAGER)


@pytest.fixture
def browser(manager: User, sign_in: Any) -> Client:
    return sign_in(manager)
