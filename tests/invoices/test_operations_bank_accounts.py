"""Bank accounts: what is wrong is said at its field, and what statements rest on does not change."""

import pytest
from django.db import transaction

from core.errors import BusinessError, WrongState
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.models import BankAccount
from invoices.operations.bank_accounts import (
    archive_bank_account,
    change_bank_account,
    create_bank_account,
)
from tests.customers.factories import LegalEntityFactory
from tests.invoices.statements import IBAN, NOW, OTHER_IBAN, Move, accepted, camt, make_account, previewed

pytestmark = pytest.mark.django_db
ONE = Move("120.00", "FACTURE FA0001", reference="BK1")


@pytest.fixture
def entity() -> LegalEntity:
    entity = LegalEntityFactory(code="FR01")
    make_account(entity)
    return entity


def test_an_account_that_a_file_waits_for_is_not_archived(entity: LegalEntity) -> None:
    account = previewed(entity, camt(ONE)).statements.get().bank_account
    with pytest.raises(WrongState, match="releve.xml"), transaction.atomic():
        archive_bank_account(actor=SYSTEM, account=account, now=NOW)
    account.refresh_from_db()
    assert account.is_active


def test_an_account_with_statements_keeps_its_iban(entity: LegalEntity) -> None:
    bank_file = accepted(entity, camt(ONE))
    account = bank_file.statements.get().bank_account
    values = {"name": "Autre", "currency": "EUR", "gl_account": "512100", "journal_code": "BQ1"}
    change_bank_account(actor=SYSTEM, account=account, iban=IBAN, now=NOW, **values)
    with pytest.raises(BusinessError) as refused, transaction.atomic():
        change_bank_account(actor=SYSTEM, account=account, iban=OTHER_IBAN, now=NOW, **values)
    assert refused.value.field == "iban"
    account.refresh_from_db()
    assert (account.iban, account.name, account.gl_account) == (IBAN, "Autre", "512100")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("iban", "FR7630006000011234567890188"),
        ("iban", ""),
        ("bic", "XX"),
        ("currency", "euro"),
        ("name", " "),
    ],
)
def test_a_wrong_account_is_refused_at_its_field(entity: LegalEntity, field: str, value: str) -> None:
    values = {"name": "Second", "iban": OTHER_IBAN} | {field: value}
    with pytest.raises(BusinessError) as refused, transaction.atomic():
        create_bank_account(actor=SYSTEM, entity=entity, now=NOW, **values)
    assert refused.value.field == field
    assert BankAccount.objects.count() == 1
