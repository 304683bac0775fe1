"""The books that most tests of notices begin with."""

from datetime import timedelta

import pytest

from tests.dunning.factories import (
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
)


@pytest.fixture
def books():
    """One creditor with its ladder, and a customer with one item 10 days late."""
    load_law()
    entity = make_entity()
    policy = make_policy(entity)
    customer = make_customer(entity)
    item = make_item(customer, "1200.00", TODAY - timedelta(days=10))
    return entity, policy, customer, item
