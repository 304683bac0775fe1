"""Files of the bank: what is new, what is known, what is refused, and that a refusal changes nothing."""

import io
import threading
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections, transaction

from core.errors import BusinessError, NotAllowed, WrongState
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.models import BankFile, BankLine, BankStatement
from invoices.operations.bank_accounts import archive_bank_account, create_bank_account
from invoices.operations.bank_files import (
    BankFileRefused,
    LinesInUse,
    NothingToAccept,
    NotInScope,
    accept_bank_file,
    cancel_bank_file,
    read_bank_file,
    receive_bank_file,
    reread_bank_file,
    withdraw_bank_file,
)
from tests.customers.factories import LegalEntityFactory
from tests.invoices.statements import (
    DAY,
    IBAN,
    NOW,
    OTHER_IBAN,
    TODAY,
    Move,
    accepted,
    camt,
    csv_export,
    make_account,
    mt940,
    previewed,
    received,
)

pytestmark = pytest.mark.django_db

ONE = Move("120.00", "FACTURE FA0001", reference="BK1", end_to_end="E1", payer="DUPONT SA")
TWO = Move("80.50", "FACTURE FA0002", reference="BK2", end_to_end="E2", payer="MARTIN SARL")
CHARGE = Move("-12.00", "FRAIS DE TENUE DE COMPTE", reference="BK3", is_charge=True)
SUPPLIER = Move("-500.00", "LOYER NOVEMBRE", reference="BK4")


@pytest.fixture
def entity() -> LegalEntity:
    entity = LegalEntityFactory(code="FR01")
    make_account(entity)
    return entity


def statuses(bank_file: BankFile) -> dict[str, int]:
    return dict(
        Counter(BankLine.objects.filter(statement__bank_file=bank_file).values_list("status", flat=True))
    )


def remark(bank_file: BankFile, rank: int = 1) -> tuple[str, str]:
    statement = bank_file.statements.get(rank=rank)
    return statement.status, statement.remark_code


def frozen() -> tuple[object, ...]:
    """Everything that an operation on bank files could change."""
    return (
        list(BankFile.objects.order_by("pk").values()),
        list(BankStatement.objects.order_by("pk").values()),
        list(BankLine.objects.order_by("pk").values()),
        AuditEvent.objects.count(),
    )


def test_a_statement_is_read_then_accepted(entity: LegalEntity) -> None:
    bank_file = previewed(entity, camt(ONE, TWO, CHARGE, SUPPLIER))
    assert (bank_file.status, bank_file.format) == ("PREVIEWED", "CAMT")
    statement = bank_file.statements.get()
    assert (statement.status, statement.remark_code, statement.bank_account.iban) == ("PREVIEWED", "", IBAN)
    assert (statement.credit_amount, statement.debit_amount) == (Decimal("200.50"), Decimal("512.00"))
    assert statuses(bank_file) == {"DRAFT": 4}

    accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=TODAY, now=NOW)
    bank_file.refresh_from_db()
    assert bank_file.status == "ACCEPTED"
    assert statuses(bank_file) == {"OPEN": 2, "SET_ASIDE": 2}
    aside = BankLine.objects.filter(status="SET_ASIDE").order_by("rank")
    assert [line.set_aside_reason for line in aside] == [
        "Frais bancaires",
        "Débit sans rapport avec un client",
    ]
    event = AuditEvent.objects.get(verb="invoices.bank_file.accepted")
    assert event.data["open"] == 2
    assert event.data["received_amounts"] == {"EUR": "200.50"}


def test_a_statement_that_does_not_add_up_is_refused_with_its_figures(entity: LegalEntity) -> None:
    bank_file = previewed(entity, camt(ONE, closing="1500.00"))
    statement = bank_file.statements.get()
    assert remark(bank_file) == ("REFUSED", "balance_differs")
    assert statement.remark_params["opening"] == "1000.00"
    assert statement.remark_params["movements"] == "120.00"
    assert statement.remark_params["closing"] == "1500.00"
    before = frozen()
    with pytest.raises(NothingToAccept), transaction.atomic():
        accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=TODAY, now=NOW)
    assert frozen() == before


def test_an_unknown_account_is_created_and_the_file_read_again(entity: LegalEntity) -> None:
    bank_file = previewed(entity, camt(ONE, iban=OTHER_IBAN))
    assert remark(bank_file) == ("REFUSED", "account_unknown")
    make_account(entity, OTHER_IBAN, name="Crédit")
    reread_bank_file(actor=SYSTEM, bank_file=bank_file, now=NOW)
    assert not bank_file.statements.exists()
    read_bank_file(bank_file_id=bank_file.pk, now=NOW)
    assert remark(bank_file) == ("PREVIEWED", "")


def test_the_account_of_another_entity_is_not_taken(entity: LegalEntity) -> None:
    other = LegalEntityFactory(code="FR02")
    make_account(other, OTHER_IBAN)
    bank_file = previewed(entity, camt(ONE, iban=OTHER_IBAN))
    assert remark(bank_file) == ("REFUSED", "account_elsewhere")
    assert bank_file.statements.get().bank_account is None


def test_another_currency_and_an_archived_account_are_refused(entity: LegalEntity) -> None:
    assert remark(previewed(entity, camt(ONE, currency="USD"))) == ("REFUSED", "currency_differs")
    account = make_account(entity, OTHER_IBAN)
    archive_bank_account(actor=SYSTEM, account=account, now=NOW)
    assert remark(previewed(entity, camt(ONE, iban=OTHER_IBAN))) == ("REFUSED", "account_archived")


def test_a_french_account_number_finds_its_iban(entity: LegalEntity) -> None:
    bank_file = previewed(entity, mt940(ONE, iban="30006000011234567890189"))
    assert remark(bank_file) == ("PREVIEWED", "")


def test_the_same_statement_is_a_duplicate_in_whatever_format(entity: LegalEntity) -> None:
    accepted(entity, camt(ONE, TWO))
    for content in (camt(ONE, TWO), camt(ONE, TWO, number="99"), mt940(ONE, TWO)):
        bank_file = previewed(entity, content)
        assert remark(bank_file) == ("DUPLICATE", "duplicate")
        assert not bank_file.statements.get().lines.exists()
        with pytest.raises(NothingToAccept), transaction.atomic():
            accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=TODAY, now=NOW)
    assert BankLine.objects.count() == 2


def test_a_statement_twice_in_one_file_counts_once(entity: LegalEntity) -> None:
    bank_file = accepted(entity, mt940(ONE, TWO) + mt940(ONE, TWO))
    assert remark(bank_file, 2) == ("DUPLICATE", "duplicate_in_file")
    assert statuses(bank_file) == {"OPEN": 2}


def test_a_missing_statement_is_said(entity: LegalEntity) -> None:
    accepted(entity, camt(ONE))
    later = DAY + timedelta(days=3)
    bank_file = previewed(entity, camt(Move("5.00", day=later), opening="1400.00", day=later, number="3"))
    assert remark(bank_file) == ("PREVIEWED", "statement_missing")
    params = bank_file.statements.get().remark_params
    assert (params["closing"], params["opening"]) == ("1120.00", "1400.00")
    next_day = DAY + timedelta(days=1)
    following = previewed(
        entity, camt(Move("5.00", day=next_day), opening="1120.00", day=next_day, number="2")
    )
    assert remark(following) == ("PREVIEWED", "")


def test_notices_then_the_statement_never_double_a_movement(entity: LegalEntity) -> None:
    notices = accepted(entity, camt(ONE, kind="054"))
    statement = accepted(entity, camt(ONE, TWO, CHARGE))
    assert statuses(notices) == {"OPEN": 1}
    assert statuses(statement) == {"KNOWN": 1, "OPEN": 1, "SET_ASIDE": 1}
    assert statement.statements.get().known_count == 1
    known = BankLine.objects.get(status="KNOWN")
    assert known.same_as == BankLine.objects.get(statement__bank_file=notices)


def test_the_statement_then_its_notices_never_double_a_movement(entity: LegalEntity) -> None:
    accepted(entity, camt(ONE, TWO))
    assert statuses(accepted(entity, camt(TWO, kind="054"))) == {"KNOWN": 1}
    assert statuses(accepted(entity, camt(ONE, TWO, kind="052", number="7"))) == {"KNOWN": 2}


def test_mt942_then_mt940(entity: LegalEntity) -> None:
    accepted(entity, mt940(Move("120.00", "VIR DUPONT"), kind="942"))
    statement = accepted(entity, mt940(Move("120.00", "VIR DUPONT"), Move("80.50", "VIR MARTIN")))
    assert statuses(statement) == {"KNOWN": 1, "OPEN": 1}


def test_two_notices_that_say_the_same_are_two_payments(entity: LegalEntity) -> None:
    """Without a reference of the bank: a notice tells each movement once, and the statement then has both."""
    cash = Move("100.00", "VERSEMENT ESPECES")
    assert statuses(accepted(entity, camt(cash, kind="054", number="1"))) == {"OPEN": 1}
    assert statuses(accepted(entity, camt(cash, kind="054", number="2"))) == {"OPEN": 1}
    statement = accepted(entity, camt(cash, cash, cash))
    assert statuses(statement) == {"KNOWN": 2, "OPEN": 1}
    assert sorted(BankLine.objects.filter(status="OPEN").values_list("occurrence", flat=True)) == [1, 2, 3]


def test_two_statements_of_a_day_that_follow_each_other_do_not_overlap(entity: LegalEntity) -> None:
    cash = Move("100.00", "VERSEMENT ESPECES")
    accepted(entity, camt(cash, opening="0.00", number="1"))
    assert statuses(accepted(entity, camt(cash, opening="100.00", number="2"))) == {"OPEN": 1}


def test_exports_that_overlap_count_each_movement_once(entity: LegalEntity) -> None:
    days = [DAY + timedelta(days=n) for n in range(4)]
    moves = [Move("10.00", "VIR A", day=day) for day in days for _twice in range(2)]
    assert statuses(accepted(entity, csv_export(*moves[:6]))) == {"OPEN": 6}
    assert statuses(accepted(entity, csv_export(*moves[4:]))) == {"KNOWN": 2, "OPEN": 2}


def test_another_format_for_part_of_the_day_is_recognised_by_what_it_says(entity: LegalEntity) -> None:
    accepted(entity, camt(ONE, kind="054"))
    other = Move("120.00", "/EREF/E9/REMI/AUTRE CLIENT")
    statement = accepted(entity, mt940(other, Move("120.00", "/EREF/E1/REMI/FACTURE FA0001 DUPONT")))
    assert statuses(statement) == {"KNOWN": 1, "OPEN": 1}
    assert BankLine.objects.get(status="KNOWN").end_to_end_id == "E1"


def test_a_booking_and_its_transactions_are_one_receipt(entity: LegalEntity) -> None:
    """The notice itemises what the statement books as one sum."""
    parts = (Move("30.00", "A", end_to_end="P1"), Move("70.00", "B", end_to_end="P2"))
    assert statuses(accepted(entity, camt(parts, kind="054"))) == {"OPEN": 2}
    assert statuses(accepted(entity, camt(Move("100.00", "REMISE 2 OPERATIONS")))) == {"KNOWN": 1}


def test_a_csv_is_for_the_account_that_was_chosen(entity: LegalEntity) -> None:
    second = make_account(entity, OTHER_IBAN, name="Second")
    content = csv_export(Move("10.00", "VIR A"))
    bank_file = previewed(entity, content)
    assert remark(bank_file) == ("REFUSED", "account_not_named")
    reread_bank_file(actor=SYSTEM, bank_file=bank_file, bank_account=second, now=NOW)
    read_bank_file(bank_file_id=bank_file.pk, now=NOW)
    assert bank_file.statements.get().bank_account == second


def test_a_return_is_linked_with_the_payment_that_comes_back(entity: LegalEntity) -> None:
    accepted(entity, camt(ONE))
    later = DAY + timedelta(days=2)
    back = Move("-120.00", "REJET", reference="BK9", end_to_end="E1", is_return=True, day=later)
    bank_file = accepted(entity, camt(back, opening="1120.00", day=later, number="2"))
    line = BankLine.objects.get(statement__bank_file=bank_file)
    assert (line.status, line.is_return) == ("OPEN", True)
    assert line.returns == BankLine.objects.get(bank_reference="BK1")


def test_accepting_twice_is_refused(entity: LegalEntity) -> None:
    bank_file = accepted(entity, camt(ONE))
    before = frozen()
    with pytest.raises(WrongState), transaction.atomic():
        accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=TODAY, now=NOW)
    assert frozen() == before


def test_a_file_accepted_meanwhile_is_taken_into_account(entity: LegalEntity) -> None:
    first, second = previewed(entity, camt(ONE, TWO)), previewed(entity, camt(ONE, kind="054"))
    again = previewed(entity, mt940(ONE, TWO))
    for bank_file in (first, second):
        accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=TODAY, now=NOW)
    assert statuses(second) == {"KNOWN": 1}
    with pytest.raises(NothingToAccept), transaction.atomic():
        accept_bank_file(actor=SYSTEM, bank_file=again, today=TODAY, now=NOW)


def test_cancelling_takes_the_lines_away(entity: LegalEntity) -> None:
    bank_file = previewed(entity, camt(ONE))
    cancel_bank_file(actor=SYSTEM, bank_file=bank_file, now=NOW)
    bank_file.refresh_from_db()
    assert bank_file.status == "CANCELLED"
    assert not BankLine.objects.exists()
    assert statuses(accepted(entity, camt(ONE))) == {"OPEN": 1}


def test_a_file_accepted_by_mistake_is_withdrawn_and_may_come_again(entity: LegalEntity) -> None:
    bank_file = accepted(entity, camt(ONE, TWO))
    withdraw_bank_file(actor=SYSTEM, bank_file=bank_file, reason="Mauvais fichier", now=NOW)
    bank_file.refresh_from_db()
    assert (bank_file.status, bank_file.statements.get().status) == ("WITHDRAWN", "WITHDRAWN")
    assert not BankLine.objects.exists()
    assert AuditEvent.objects.get(verb="invoices.bank_file.withdrawn").data["reason"] == "Mauvais fichier"
    assert statuses(accepted(entity, camt(ONE, TWO))) == {"OPEN": 2}


def test_a_file_that_others_lean_on_is_not_withdrawn(entity: LegalEntity) -> None:
    notices = accepted(entity, camt(ONE, kind="054"))
    leaning = previewed(entity, camt(ONE, TWO))
    before = frozen()
    with pytest.raises(LinesInUse, match="releve.xml"), transaction.atomic():
        withdraw_bank_file(actor=SYSTEM, bank_file=notices, reason="Erreur", now=NOW)
    assert frozen() == before
    cancel_bank_file(actor=SYSTEM, bank_file=leaning, now=NOW)
    withdraw_bank_file(actor=SYSTEM, bank_file=notices, reason="Erreur", now=NOW)
    assert not BankLine.objects.exists()


def test_a_withdrawal_needs_its_reason(entity: LegalEntity) -> None:
    bank_file = accepted(entity, camt(ONE))
    before = frozen()
    for reason in ("", "  ", "x" * 201):
        with pytest.raises(BusinessError), transaction.atomic():
            withdraw_bank_file(actor=SYSTEM, bank_file=bank_file, reason=reason, now=NOW)
    assert frozen() == before


@pytest.mark.parametrize(
    "content", [b"", b"  \n", b"PK\x03\x04rien", b"%PDF-1.7", b"bonjour", b"<html></html>"]
)
def test_what_is_no_statement_is_refused_at_the_door(entity: LegalEntity, content: bytes) -> None:
    before = frozen()
    with pytest.raises(BankFileRefused), transaction.atomic():
        received(entity, content)
    assert frozen() == before


def test_a_broken_file_is_rejected_with_its_line(entity: LegalEntity) -> None:
    bank_file = previewed(entity, camt(ONE)[:-40])
    assert (bank_file.status, bank_file.error_code) == ("REJECTED", "bank_xml_broken")
    assert not bank_file.statements.exists()


def test_rights_and_scope(entity: LegalEntity, make_user) -> None:
    other = LegalEntityFactory(code="FR02")
    outsider = make_user(Role.ACCOUNTANT, sees=[other], email="ailleurs@example.test")
    director = make_user(Role.FINANCE_DIRECTOR)
    bank_file = previewed(entity, camt(ONE))
    before = frozen()[:3]
    with pytest.raises(NotInScope), transaction.atomic():
        receive_bank_file(actor=outsider, entity=entity, file=io.BytesIO(camt(ONE)), name="a", now=NOW)
    with pytest.raises(NotInScope), transaction.atomic():
        accept_bank_file(actor=outsider, bank_file=bank_file, today=TODAY, now=NOW)
    with pytest.raises(NotAllowed):
        accept_bank_file(actor=director, bank_file=bank_file, today=TODAY, now=NOW)
    with pytest.raises(NotAllowed):
        create_bank_account(
            actor=make_user(Role.ACCOUNTANT), entity=entity, name="x", iban=OTHER_IBAN, now=NOW
        )
    assert frozen()[:3] == before


@pytest.mark.django_db(transaction=True)
def test_two_people_accept_overlapping_files_at_once() -> None:
    entity = LegalEntityFactory(code="FR01")
    make_account(entity)
    moves = [Move(f"{n}.00", f"VIR {n}", reference=f"R{n}") for n in range(1, 40)]
    files = [previewed(entity, camt(*moves, kind="054")), previewed(entity, camt(*moves))]
    files.append(files[0])
    outcomes: list[str] = []
    start = threading.Barrier(len(files))

    def accept(bank_file: BankFile) -> None:
        start.wait(20)
        try:
            accept_bank_file(actor=SYSTEM, bank_file=bank_file, today=TODAY, now=NOW)
            outcomes.append("accepted")
        except BusinessError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=accept, args=[bank_file]) for bank_file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted", "accepted", "wrong_state"]
    assert BankLine.objects.filter(status="OPEN").count() == 39
    assert BankLine.objects.filter(status="KNOWN").count() == 39
