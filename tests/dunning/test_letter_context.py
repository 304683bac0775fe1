"""The frozen context: lossless, canonical, and refusing to say what does not add up."""

import dataclasses
import json
from decimal import Decimal

import pytest

from dunning.letters.address import MAX_CHARS, address_block, attention_is_printed
from dunning.letters.context import (
    LANGUAGES,
    Debtor,
    DebtorKind,
    LetterContext,
    LetterContextError,
    LetterKind,
    LetterLine,
    add_up,
)
from dunning.letters.formats import (
    format_amount,
    format_date,
    format_iban,
    format_long_date,
    format_rate,
    format_siren,
)
from dunning.letters.frozen_json import FrozenJsonError
from tests.dunning.letter_samples import AS_OF, DEBTOR, FOREIGN_DEBTOR, invoice_line, make_context

CONSUMER = Debtor(
    name="Mme Aurélie Saint-Gilles",
    kind=DebtorKind.CONSUMER,
    address_lines=("Appt 12", "4 allée des Tilleuls", "35000 Rennes"),
)


@pytest.mark.parametrize("kind", LetterKind)
@pytest.mark.parametrize("language", LANGUAGES)
def test_json_gives_back_the_same_context(kind, language):
    context = make_context(kind, language=language, invoices=6)
    again = LetterContext.from_json(context.to_json())
    assert again == context
    assert again.to_json() == context.to_json()
    assert again.sha256 == context.sha256


def test_json_is_canonical_whatever_the_order_of_its_keys():
    context = make_context()
    shuffled = json.dumps(dict(reversed(json.loads(context.to_json()).items())))
    assert LetterContext.from_json(shuffled).to_json() == context.to_json()


def test_amounts_are_strings_with_two_places_in_json():
    data = json.loads(make_context().to_json())
    assert data["lines"][0]["total"] == "1834.56"
    assert data["lines"][0]["indemnity"] == "40.00"
    assert data["interest_segments"][0]["rate"] == "12.40"


def test_equal_amounts_written_differently_give_one_hash():
    line, segment = invoice_line(0)
    other = dataclasses.replace(line, indemnity=Decimal("40.000"), total=Decimal("1834.560"))
    assert (
        make_context(lines=[line], interest_segments=(segment,)).sha256
        == make_context(lines=[other], interest_segments=(segment,)).sha256
    )


def test_text_is_normalised_and_has_no_control_character():
    debtor = dataclasses.replace(DEBTOR, name=" Cafe\u0301\x00 du\nPort\x0b ")
    assert debtor.name == "Café  du Port"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("reference"), "reference"),
        (lambda data: data.update(surprise=1), "surprise"),
        (lambda data: data.update(kind="COMMANDEMENT"), "LetterContext.kind"),
        (lambda data: data.update(as_of="hier"), "LetterContext.as_of"),
        (lambda data: data["totals"].update(total="beaucoup"), "totals.total"),
        (lambda data: data["totals"].update(total=12.5), "totals.total"),
        (lambda data: data.update(lines={}), "LetterContext.lines"),
        (lambda data: data.update(creditor=[]), "LetterContext.creditor"),
    ],
    ids=["missing", "unknown", "enum", "date", "amount", "float", "list", "object"],
)
def test_json_of_another_shape_is_refused_and_named(change, message):
    data = json.loads(make_context().to_json())
    change(data)
    with pytest.raises(FrozenJsonError, match=message):
        LetterContext.from_json(json.dumps(data))


def test_text_that_is_not_json_is_refused():
    with pytest.raises(FrozenJsonError, match="not JSON"):
        LetterContext.from_json("{")


def test_json_without_an_optional_key_is_read():
    data = json.loads(make_context(LetterKind.REMINDER).to_json())
    del data["copy_mark"]
    assert LetterContext.from_json(json.dumps(data)).copy_mark == ""


def _replace_totals(**changes):
    context = make_context()
    return dataclasses.replace(context, totals=dataclasses.replace(context.totals, **changes))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: _replace_totals(total=Decimal("1.00")), "totals"),
        (lambda: _replace_totals(interest=Decimal("0.00")), "totals"),
        (lambda: make_context(lines=[]), "lines"),
        (lambda: dataclasses.replace(make_context(), language="nl"), "language"),
        (lambda: make_context(reference=""), "reference"),
        (lambda: make_context(pay_by=AS_OF.replace(day=1)), "pay_by"),
        (lambda: make_context(LetterKind.HAND_OVER_INFO, agency=None), "agency"),
        (lambda: make_context(interest_segments=make_context().interest_segments[:2]), "interest_segments"),
        (
            lambda: make_context(debtor=CONSUMER, lines=[invoice_line(0)[0]], interest_segments=()),
            "totals",
        ),
        (
            lambda: make_context(
                lines=[dataclasses.replace(invoice_line(0)[0], open_amount=Decimal("1.005"))]
            ),
            "open_amount",
        ),
        (lambda: dataclasses.replace(make_context(), kind=LetterKind.REMINDER), "totals"),
    ],
    ids=[
        "total",
        "interest",
        "no line",
        "language",
        "reference",
        "pay-by date",
        "agency",
        "segments",
        "consumer indemnity",
        "half cent",
        "courteous reminder with penalties",
    ],
)
def test_a_context_that_contradicts_itself_is_refused(make, field):
    with pytest.raises(LetterContextError) as refusal:
        make()
    assert refusal.value.field == field


def test_an_account_in_credit_gets_no_letter():
    line = LetterLine(
        number="AV-1", issue_date=AS_OF, due_date=None, total=Decimal("-1"), open_amount=Decimal("-1")
    )
    with pytest.raises(LetterContextError, match="débiteur"):
        make_context(LetterKind.REMINDER, lines=[line], interest_segments=())


def test_a_courteous_reminder_claims_the_principal_alone():
    pairs = [invoice_line(index) for index in range(2)]
    context = make_context(
        LetterKind.REMINDER,
        lines=[line for line, _ in pairs],
        interest_segments=tuple(segment for _, segment in pairs),
        daily_interest=Decimal("3.00"),
    )
    assert context.totals.total == context.totals.principal
    assert (context.interest_segments, context.daily_interest) == ((), Decimal(0))


def test_totals_count_the_indemnities():
    totals = add_up([invoice_line(index)[0] for index in range(3)])
    assert (totals.indemnity_count, totals.indemnity_unit, totals.indemnity) == (3, 40, 120)
    assert totals.total == totals.principal + totals.interest + totals.indemnity


def test_paid_amount_is_what_the_balance_lacks():
    assert invoice_line(0)[0].paid_amount == Decimal("500.00")


@pytest.mark.parametrize(
    ("debtor", "expected"),
    [
        (
            CONSUMER,
            ("Mme Aurélie Saint-Gilles", "APPT 12", "4 ALLÉE DES TILLEULS", "35000 RENNES"),
        ),
        (
            DEBTOR,
            (
                "Établissements Chaumeil-Vauquelin &",
                "Fils, Négoce de Matériaux",
                "Service comptabilité fournisseurs",
                "BÂT C ZI DE L ÉTANG",
                "27 RUE DE L ÉGLISE",
                "33700 MÉRIGNAC",
            ),
        ),
        (
            FOREIGN_DEBTOR,
            (
                "Kärcher & Łukasiewicz Überseehandel",
                "GmbH & Co. KG",
                "GROSSE ELBSTRASSE 145-147",
                "22767 HAMBURG",
                "ALLEMAGNE",
            ),
        ),
    ],
    ids=["consumer", "six lines", "abroad"],
)
def test_address_block(debtor, expected):
    assert address_block(debtor) == expected


@pytest.mark.parametrize(
    "debtor",
    [
        DEBTOR,
        FOREIGN_DEBTOR,
        dataclasses.replace(DEBTOR, name="N" * 60),
        dataclasses.replace(
            DEBTOR,
            name="Société d’Exploitation des Établissements Réunis de la Vallée de la Loire Moyenne",
            address_lines=(
                "Bâtiment A",
                "Escalier 3",
                "ZI Nord",
                "12 rue Haute",
                "BP 40",
                "42000 Saint-Étienne",
            ),
        ),
        dataclasses.replace(
            FOREIGN_DEBTOR, address_lines=("a" * 50, "b" * 50, "c" * 20, "Unit 4", "London", "SW1A 2AA")
        ),
        dataclasses.replace(DEBTOR, address_lines=()),
    ],
    ids=["usual", "abroad", "long word", "too many lines", "too many lines abroad", "no address"],
)
def test_address_block_keeps_to_the_norm(debtor):
    block = address_block(debtor)
    assert 1 <= len(block) <= (7 if debtor.country == "DE" else 6)
    if debtor.address_lines and len(debtor.address_lines) <= 5:
        assert all(len(line) <= MAX_CHARS for line in block)
    for line in block[3:]:
        assert not set(line) & set(",;:!?()'’«».")
    if len(debtor.address_lines) > 1:
        assert all(line == line.upper() for line in block[-2:])


def test_the_delivery_address_is_never_lost():
    debtor = dataclasses.replace(
        DEBTOR,
        name="N " * 60,
        address_lines=("Bât. A", "ZI Nord", "12 rue Haute", "BP 40", "42000 Saint-Étienne"),
    )
    block = address_block(debtor)
    assert " ".join(block).endswith("BÂT A ZI NORD 12 RUE HAUTE BP 40 42000 SAINT ÉTIENNE")
    assert not attention_is_printed(debtor)


@pytest.mark.parametrize(
    ("amount", "currency", "french", "english"),
    [
        ("1234.56", "EUR", "1\u202f234,56\u00a0€", "€1,234.56"),
        ("-480", "EUR", "−480,00\u00a0€", "−€480.00"),
        ("1234567.8", "CHF", "1\u202f234\u202f567,80\u00a0CHF", "CHF\u00a01,234,567.80"),
        ("0", "GBP", "0,00\u00a0£", "£0.00"),
    ],
)
def test_amounts(amount, currency, french, english):
    assert format_amount(Decimal(amount), currency, "fr") == french
    assert format_amount(Decimal(amount), currency, "en") == english


def test_dates_and_rates():
    assert format_date(AS_OF, "fr") == "22/11/2026"
    assert format_date(AS_OF, "en") == "22\u00a0Nov\u00a02026"
    assert format_long_date(AS_OF.replace(day=1, month=12), "fr") == "1er\u00a0décembre\u00a02026"
    assert format_long_date(AS_OF, "en") == "22\u00a0November\u00a02026"
    assert format_rate(Decimal("12.4"), "fr") == "12,40\u00a0%"
    assert format_rate(Decimal("2.625"), "en") == "2.625%"
    assert format_rate(Decimal("10"), "fr") == "10,00\u00a0%"


def test_identifiers():
    assert format_siren("732829320") == "732\u00a0829\u00a0320"
    assert format_siren("HRB 12345") == "HRB 12345"
    assert format_iban("FR76 3000 6000 0112 3456 7890 189").split("\u00a0")[-1] == "189"
