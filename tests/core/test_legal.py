"""The registry of legal values: dated, sourced, never guessed; loading it keeps what people changed."""

import itertools
import json
import re
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from core.errors import NotAllowed
from core.legal import (
    ECB_RATE,
    LEGAL_INTEREST,
    MissingLegalParameter,
    RatePeriod,
    Register,
    expiring_series,
    parameter,
    rate_series,
    shipped_values,
    unconfirmed_values,
)
from core.legal_register import FORMS
from core.models import AuditEvent, LegalParameter, Role
from core.operations.legal_parameters import (
    LegalParameterError,
    confirm_legal_parameter,
    enter_legal_parameter,
    load_legal_parameters,
)
from core.rights import SYSTEM

TODAY = date(2026, 11, 22)


@pytest.fixture
def registry(db: None) -> None:
    LegalParameter.objects.all().delete()
    load_legal_parameters(actor=SYSTEM, values=shipped_values())


def test_the_shipped_values_are_dated_sourced_and_without_overlap() -> None:
    for rows in Register.of(shipped_values()).values.values():
        for row in rows:
            assert row.source and row.value and row.checked_on
        for earlier, later in itertools.pairwise(rows):
            assert earlier.valid_to is not None and earlier.valid_to < later.valid_from


@pytest.mark.parametrize(("key", "first"), [(ECB_RATE, 2008), (LEGAL_INTEREST, 2015)])
def test_every_half_year_until_2026_has_its_rate(key: str, first: int) -> None:
    series = Register.of(shipped_values()).rate_series(key, date(first, 1, 1), date(2026, 12, 31))
    assert len(series) == (2027 - first) * 2


def test_the_latest_rates_wait_for_confirmation() -> None:
    shipped = Register.of(shipped_values())
    assert not shipped.parameter(ECB_RATE, date(2026, 7, 1)).confirmed
    assert not shipped.parameter(LEGAL_INTEREST, date(2026, 7, 1)).confirmed
    assert shipped.parameter(ECB_RATE, date(2025, 1, 1)).confirmed


def test_reads_the_value_of_a_day(registry: None) -> None:
    assert parameter("fr.indemnity", date(2026, 1, 1)).decimal == Decimal("40.00")
    assert parameter("fr.indemnity", date(2012, 12, 31)).decimal == 0
    assert parameter("fr.injonction.service_months", date(2026, 8, 31)).integer == 6
    assert parameter("fr.injonction.service_months", date(2026, 9, 1)).integer == 3


@pytest.mark.parametrize(("buyer", "days"), [("state", 30), ("health", 50), ("undertaking", 60)])
def test_ccp_r2192_10_and_11_terms_of_public_buyers(registry: None, buyer: str, days: int) -> None:
    assert parameter(f"fr.terms.public.{buyer}", TODAY).integer == days


def test_a_missing_value_names_itself_and_its_half_year(registry: None) -> None:
    with pytest.raises(MissingLegalParameter, match=r"Taux directeur de la BCE.*1er semestre 2027"):
        parameter(ECB_RATE, date(2027, 2, 1))
    with pytest.raises(MissingLegalParameter, match="1er semestre 2027"):
        rate_series(ECB_RATE, date(2026, 6, 1), date(2027, 1, 1))
    with pytest.raises(MissingLegalParameter, match="2e semestre 2014"):
        rate_series(LEGAL_INTEREST, date(2014, 12, 1), date(2015, 2, 1))
    with pytest.raises(MissingLegalParameter, match=r"fr\.unknown"):
        parameter("fr.unknown", TODAY)


def test_a_gap_inside_a_series_is_found(registry: None) -> None:
    LegalParameter.objects.filter(key=ECB_RATE, valid_from=date(2025, 7, 1)).delete()
    with pytest.raises(MissingLegalParameter, match="2e semestre 2025"):
        rate_series(ECB_RATE, date(2025, 1, 1), date(2026, 3, 1))


def test_a_series_covers_exactly_the_days_asked(registry: None) -> None:
    assert rate_series(ECB_RATE, date(2025, 5, 1), date(2025, 8, 31)) == (
        RatePeriod(date(2025, 5, 1), date(2025, 6, 30), Decimal("3.15"), True),
        RatePeriod(date(2025, 7, 1), date(2025, 8, 31), Decimal("2.15"), False),
    )


def test_series_about_to_end_are_announced_ninety_days_before(registry: None) -> None:
    assert {series.key for series in expiring_series(date(2026, 10, 1))} == set()
    soon = {series.key: series.days_left for series in expiring_series(date(2026, 10, 2))}
    assert soon == {ECB_RATE: 90, LEGAL_INTEREST: 90, "de.base_rate": 90}
    assert {series.days_left for series in expiring_series(date(2027, 1, 1))} == {-1}


def test_values_in_use_and_unconfirmed_are_listed(registry: None) -> None:
    keys = {value.key for value in unconfirmed_values(TODAY)}
    assert {ECB_RATE, LEGAL_INTEREST} <= keys
    assert "fr.indemnity" not in keys


def test_every_shipped_value_has_the_form_of_its_key() -> None:
    for value in shipped_values():
        form, _example = FORMS.get(value.key, (".+", ""))
        assert re.fullmatch(form, value.value), value
    assert all(re.fullmatch(form, example) for form, example in FORMS.values())


@pytest.mark.parametrize(("key", "value"), [("gb.indemnity", "cent livres"), ("waiver.allowed", "oui")])
def test_a_value_that_no_rule_could_read_is_refused(registry: None, key: str, value: str) -> None:
    with pytest.raises(LegalParameterError, match="Écrivez par exemple"):
        enter_legal_parameter(
            actor=SYSTEM, key=key, value=value, valid_from=TODAY, valid_to=None, source="Loi", today=TODAY, confirmed=True
        )  # fmt: skip


def test_loading_twice_changes_nothing(registry: None) -> None:
    before = list(LegalParameter.objects.values_list())
    events = AuditEvent.objects.count()
    result = load_legal_parameters(actor=SYSTEM, values=shipped_values())
    assert (result.created, result.updated, result.kept) == (0, 0, 0)
    assert list(LegalParameter.objects.values_list()) == before
    assert AuditEvent.objects.count() == events


def test_loading_follows_a_new_shipped_value_but_keeps_what_people_changed(registry: None) -> None:
    shipped = {(value.key, value.valid_from): value for value in shipped_values()}
    s1 = shipped[ECB_RATE, date(2026, 1, 1)]
    s2 = LegalParameter.objects.get(key=ECB_RATE, valid_from=date(2026, 7, 1))
    confirm_legal_parameter(
        actor=SYSTEM, parameter_id=s2.pk, value="2,45", source="ecb.europa.eu", today=TODAY
    )
    newer = [
        type(s1)(**{**vars(value), "value": "9.99"}) for value in shipped.values() if value.key == ECB_RATE
    ]
    result = load_legal_parameters(actor=SYSTEM, values=newer)
    assert (result.created, result.updated, result.kept) == (0, len(newer) - 1, 1)
    assert parameter(ECB_RATE, date(2026, 1, 1)).value == "9.99"
    assert parameter(ECB_RATE, date(2026, 7, 1)).value == "2.45"


def test_a_new_period_is_entered_with_its_source(registry: None) -> None:
    enter_legal_parameter(
        actor=SYSTEM,
        key=ECB_RATE,
        value="2,15",
        valid_from=date(2027, 1, 1),
        valid_to=date(2027, 6, 30),
        source="BCE, 1er janvier 2027",
        today=TODAY,
        confirmed=True,
    )
    assert parameter(ECB_RATE, date(2027, 2, 1)).decimal == Decimal("2.15")
    assert AuditEvent.objects.filter(verb="core.legal_parameter.entered").count() == 1


def test_a_new_value_ends_the_open_period_before_it(registry: None) -> None:
    enter_legal_parameter(
        actor=SYSTEM,
        key="fr.indemnity",
        value="50.00",
        valid_from=date(2027, 1, 1),
        valid_to=None,
        source="Décret à venir",
        today=TODAY,
        confirmed=False,
    )
    assert parameter("fr.indemnity", date(2026, 12, 31)).decimal == Decimal("40.00")
    assert parameter("fr.indemnity", date(2027, 1, 1)).decimal == Decimal("50.00")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": " "}, "source"),
        ({"value": ""}, "value"),
        ({"value": "deux"}, "value"),
        ({"valid_to": None}, "valid_to"),
        ({"valid_to": date(2026, 12, 31)}, "valid_to"),
        ({"valid_from": date(2026, 12, 1)}, "valid_from"),
    ],
)
def test_an_entry_that_contradicts_the_registry_changes_nothing(
    registry: None, change: dict[str, object], field: str
) -> None:
    facts: dict[str, object] = {
        "key": ECB_RATE,
        "value": "2.15",
        "valid_from": date(2027, 1, 1),
        "valid_to": date(2027, 6, 30),
        "source": "BCE",
    } | change
    before = list(LegalParameter.objects.values_list())
    with pytest.raises(LegalParameterError) as refusal:
        enter_legal_parameter(actor=SYSTEM, today=TODAY, confirmed=True, **facts)  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert list(LegalParameter.objects.values_list()) == before


def test_only_an_administrator_writes_the_registry(registry: None, make_user: object) -> None:
    accountant = make_user(Role.ACCOUNTANT)  # type: ignore[operator]
    row = LegalParameter.objects.filter(confirmed=False).first()
    assert row is not None
    with pytest.raises(NotAllowed):
        confirm_legal_parameter(
            actor=accountant, parameter_id=row.pk, value=row.value, source="Journal officiel", today=TODAY
        )
    row.refresh_from_db()
    assert not row.confirmed


def test_the_command_loads_and_reports(db: None) -> None:
    LegalParameter.objects.all().delete()
    out = StringIO()
    call_command("load_legal_parameters", stdout=out)
    report = json.loads(out.getvalue().splitlines()[-1])
    assert report == {"created": len(shipped_values()), "updated": 0, "unchanged": 0, "kept": 0}
