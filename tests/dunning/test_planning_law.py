"""The run's amounts and the décompte of one item are the same to the cent, under every law, waiver and judgment."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model

from core.legal import register
from core.models import LegalParameter, User
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity
from dunning.fee_statements import fee_statements
from dunning.fee_waivers import Waived
from dunning.models import FeeWaiver, Level, Notice, NoticeLine, RunExclusion
from dunning.operations.runs import dun
from invoices.late_fee_rules import Reason
from invoices.models import OpenItem
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
    settle,
)

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db: None) -> User:
    return get_user_model().objects.create_user("remise", password="x", full_name="Odile Remise")


@pytest.fixture
def entity(db: None) -> LegalEntity:
    load_law()
    entity = make_entity()
    make_policy(entity)
    return entity


def second_step(item: OpenItem) -> OpenItem:
    """The reminder was sent long ago: the next step claims interest and indemnity."""
    first = Level.objects.get(policy__legal_entity=item.legal_entity, rank=1)
    make_step(item, first, sent_on=TODAY - timedelta(days=15))
    return item


def late(customer: Customer, total: str, days: int = 60, **fields: object) -> OpenItem:
    return second_step(make_item(customer, total, TODAY - timedelta(days=days), **fields))


def waive(
    item: OpenItem, person: User, part: str = "BOTH", days: int = 3, revoked: date | None = None
) -> None:
    FeeWaiver.objects.create(
        item=item,
        part=part,
        reason="geste commercial",
        granted_by=person,
        granted_on=TODAY - timedelta(days=days),
        created_at=NOW,
        revoked_on=revoked,
        revoked_by=person if revoked else None,
    )


def claimed(entity: LegalEntity) -> dict[int, tuple[Decimal, Decimal]]:
    run = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    lines = NoticeLine.objects.filter(notice__run=run.run_id, rank__gt=0)
    return {
        item: (interest, indemnity)
        for item, interest, indemnity in lines.values_list("item", "interest_amount", "indemnity_amount")
    }


def stated(items: list[OpenItem]) -> dict[int, tuple[Decimal, Decimal]]:
    found = fee_statements(
        list(
            OpenItem.objects.filter(pk__in=[i.pk for i in items]).select_related("customer", "legal_entity")
        ),
        as_of=TODAY,
        legal=register(),
    )
    return {key: (statement.fees.interest, statement.fees.indemnity) for key, statement in found.items()}


def test_a_waived_part_is_claimed_by_no_run(entity: LegalEntity, person: User) -> None:
    customer = make_customer(entity)
    both, interest, indemnity, revoked, later = (late(customer, "1000.00") for _n in range(5))
    waive(both, person)
    waive(interest, person, "INTEREST")
    waive(indemnity, person, "INDEMNITY")
    waive(revoked, person, revoked=TODAY)
    waive(later, person, days=-1)
    found = claimed(entity)
    # 1000 x 12.40 % x 60 / 365
    whole = D("20.38")
    assert found == {
        both.pk: (D("0.00"), D("0.00")),
        interest.pk: (D("0.00"), D("40.00")),
        indemnity.pk: (whole, D("0.00")),
        revoked.pk: (whole, D("40.00")),
        later.pk: (whole, D("40.00")),
    }
    assert found == stated([both, interest, indemnity, revoked, later])


def test_the_statement_says_what_is_waived(entity: LegalEntity, person: User) -> None:
    item = late(make_customer(entity), "1000.00")
    waive(item, person)
    [statement] = fee_statements([item], as_of=TODAY, legal=register()).values()
    assert statement.waived == frozenset(Waived)
    assert {Reason.INTEREST_WAIVED, Reason.INDEMNITY_WAIVED} <= set(statement.fees.reasons)
    assert statement.fees.segments == () and statement.daily_interest == 0
    assert statement.fees.total_claim == D("1000.00")


def test_l622_28_interest_stops_on_the_eve_even_after_the_proceedings(entity: LegalEntity) -> None:
    """A customer who came back: his old debt bears no interest since, his new one as usual."""
    customer = make_customer(entity, insolvency_date=TODAY - timedelta(days=40))
    old = late(customer, "1000.00", 60)
    fell_due_after = late(customer, "1000.00", 30, issue_date=TODAY - timedelta(days=45))
    new = late(customer, "1000.00", 20, issue_date=TODAY - timedelta(days=35))
    found = claimed(entity)
    # 19 days until the eve of the judgment; nothing; 20 days
    assert found == {
        old.pk: (D("6.45"), D("40.00")),
        fell_due_after.pk: (D("0.00"), D("0.00")),
        new.pk: (D("6.79"), D("40.00")),
    }
    assert found == stated([old, fell_due_after, new])
    statements = fee_statements([old, new], as_of=TODAY, legal=register())
    assert statements[old.pk].daily_interest == 0
    assert statements[new.pk].daily_interest == D("0.34")


def test_c_civ_1344_1_a_consumer_owes_the_legal_rate_after_his_formal_notice(entity: LegalEntity) -> None:
    customer = make_customer(entity, kind="CONSUMER")
    item = late(customer, "10000.00", 100)
    levels = {level.rank: level for level in Level.objects.filter(policy__legal_entity=entity)}
    assert stated([item]) == {item.pk: (D("0.00"), D("0.00"))}
    make_step(item, levels[2], sent_on=TODAY - timedelta(days=40))
    make_step(item, levels[3], sent_on=TODAY - timedelta(days=20))
    # 10000 x 2.75 % x 20 / 365: the day after the notice to the day of the run
    assert stated([item]) == {item.pk: (D("15.07"), D("0.00"))}
    assert claimed(entity) == {item.pk: (D("15.07"), D("0.00"))}


def test_a_contract_under_another_law_follows_it(entity: LegalEntity) -> None:
    german = late(make_customer(entity, late_payment_law="DE"), "3650.00", 100)
    belgian = late(make_customer(entity, late_payment_law="BE"), "3650.00", 100)
    irish = late(make_customer(entity, late_payment_law="IE"), "3650.00", 100)
    french_by_name = late(make_customer(entity, late_payment_law="FR", country="DE"), "3650.00", 100)
    found = claimed(entity)
    # 1.52 + 9; 10.40 up to 10.5; 10.40; 12.40: 1 per cent is 10 euros over 100 days
    assert found == {
        german.pk: (D("105.20"), D("40.00")),
        belgian.pk: (D("105.00"), D("40.00")),
        irish.pk: (D("104.00"), D("70.00")),
        french_by_name.pk: (D("124.00"), D("40.00")),
    }
    assert found == stated([german, belgian, irish, french_by_name])


def test_a_law_without_rates_leaves_out_its_own_customers_only(entity: LegalEntity) -> None:
    polish = make_customer(entity, late_payment_law="PL")
    late(polish, "1000.00")
    french = late(make_customer(entity), "1000.00")
    assert set(claimed(entity)) == {french.pk}
    exclusion = RunExclusion.objects.get(customer=polish)
    assert (exclusion.reason, exclusion.item_count) == ("RATE_MISSING", 1)
    assert not Notice.objects.filter(customer=polish, status="PROPOSED").exists()


def test_an_indemnity_in_euros_is_not_claimed_in_another_currency(entity: LegalEntity) -> None:
    item = late(make_customer(entity), "1000.00", currency="USD")
    assert claimed(entity) == {item.pk: (D("20.38"), D("0.00"))}
    [statement] = fee_statements([item], as_of=TODAY, legal=register()).values()
    assert (statement.fees.indemnity_apart, statement.fees.indemnity_apart_currency) == (D("40.00"), "EUR")


def test_the_dutch_scale_by_slices(entity: LegalEntity) -> None:
    LegalParameter.objects.filter(key="nl.indemnity").update(
        value="EUR|min 40|max 6775|<=2500:15% <=5000:10% <=10000:5% <=200000:1% *:0.5%"
    )
    dutch = make_customer(entity, late_payment_law="NL")
    items = [late(dutch, total, 20) for total in ("100.00", "4000.00", "12000.00", "9000000.00")]
    found = claimed(entity)
    assert [found[item.pk][1] for item in items] == [D("40.00"), D("525.00"), D("895.00"), D("6775.00")]
    assert found == stated(items)


def test_a_retroactive_credit_note_bears_no_interest(entity: LegalEntity) -> None:
    LegalParameter.objects.filter(key="late_fees.credit_notes").update(value="RETROACTIVE")
    customer = make_customer(entity)
    item = late(customer, "1000.00")
    note = make_item(customer, "-400.00", TODAY - timedelta(days=10), kind="CREDIT_NOTE")
    settle(item, note, "400.00", TODAY - timedelta(days=10))
    # 600 x 12.40 % x 60 / 365
    assert claimed(entity) == stated([item]) == {item.pk: (D("12.23"), D("40.00"))}


@pytest.mark.parametrize("seed", range(1, 5))
def test_generated_books_give_the_same_cents(entity: LegalEntity, person: User, seed: int) -> None:
    draw = random.Random(seed)
    LegalParameter.objects.create(
        key="gb.bank_rate", value="3.75", valid_from=date(2020, 1, 1), valid_to=date(2026, 12, 31),
        source="essai", checked_on=TODAY, confirmed=True,
    )  # fmt: skip
    if draw.random() < 0.5:
        LegalParameter.objects.filter(key="late_fees.credit_notes").update(value="RETROACTIVE")
    if draw.random() < 0.5:
        LegalParameter.objects.filter(key="late_fees.de_minimis_amount").update(value="300.00")
    levels = {level.rank: level for level in Level.objects.filter(policy__legal_entity=entity)}
    items = []
    for _n in range(14):
        customer = make_customer(
            entity,
            kind=draw.choice(Customer.Kind.values),
            late_payment_law=draw.choice(["", "FR", "DE", "BE", "IE", "GB", "ES"]),
            insolvency_date=draw.choice([None, None, TODAY - timedelta(days=draw.randint(0, 150))]),
        )
        currency = draw.choice(["EUR", "EUR", "GBP"])
        for _m in range(draw.randint(1, 4)):
            due = TODAY - timedelta(days=draw.randint(1, 700))
            item = make_item(
                customer, Decimal(draw.randint(2000, 2000000)) / 100, due, currency=currency,
                issue_date=due - timedelta(days=draw.randint(0, 60)),
            )  # fmt: skip
            items.append(item)
            kind = draw.choice(["CREDIT_NOTE", "PAYMENT"])
            if draw.random() < 0.5:
                credit = make_item(customer, -item.open_amount / 2 // 1, due, kind=kind, currency=currency)
                on = min(due + timedelta(days=draw.randint(-20, 300)), TODAY)
                settle(item, credit, -credit.total_amount, max(on, item.issue_date))
            if draw.random() < 0.3:
                waive(item, person, draw.choice(["INTEREST", "INDEMNITY", "BOTH"]))
            for rank in range(1, draw.randint(1, 3) + 1):
                make_step(item, levels[rank], sent_on=TODAY - timedelta(days=90 - 20 * rank))
    found = claimed(entity)
    assert len(found) >= 5
    wanted = stated(items)
    claims = dict(
        NoticeLine.objects.filter(item__in=found, notice__status="PROPOSED").values_list(
            "item", "notice__level__claims_interest"
        )
    )
    assert all(claims.values())
    assert found == {key: wanted[key] for key in found}
