"""What the tests of the risk pages say often."""

from datetime import timedelta

from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from risk.operations.scoring import score_customers
from tests.customers.factories import CustomerFactory
from tests.risk.factories import NOW, TODAY, invoice, limit

OVERVIEW = "/risque/"
LISTS = ("over", "unlimited", "changes", "scores")


def score_all(day=TODAY) -> None:
    score_customers(actor=SYSTEM, as_of=day, now=NOW)


def over(entity: LegalEntity, **fields) -> Customer:
    """A customer who owes 1,500 € with a limit of 1,000 €."""
    customer = CustomerFactory(legal_entity=entity, **fields)
    invoice(customer, "1500", TODAY - timedelta(days=10))
    limit(customer, "1000")
    return customer


def names(response) -> list[str]:
    return [row["customer"].name for row in response.context["rows"]]


def body(response) -> str:
    """The page as a person reads it: ordinary spaces."""
    return response.content.decode().replace("\u00a0", " ").replace("\u202f", " ")
