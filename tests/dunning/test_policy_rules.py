"""The faults of a ladder, each at its level and field."""

from dataclasses import replace
from datetime import time
from decimal import Decimal

import pytest

from dunning.policy_advice import advise
from dunning.policy_rules import Ladder, Step, check_ladder

PRE = Step(1, "PRE_REMINDER", "EMAIL", -5, approval="AUTOMATIC")
FIRST = Step(2, "REMINDER", "EMAIL", 5, approval="AUTOMATIC")
SECOND = Step(3, "SECOND_REMINDER", "EMAIL", 15, gap_days=8, claims_interest=True, claims_indemnity=True)
FORMAL = Step(4, "FORMAL_NOTICE", "REGISTERED", 30, gap_days=10, claims_interest=True, claims_indemnity=True)
AGENCY = Step(5, "HAND_OVER", "AGENCY", 60, gap_days=15, claims_interest=True, claims_indemnity=True)
GOOD = Ladder((PRE, FIRST, SECOND, FORMAL, AGENCY), has_agency=True, contact_gap_days=7)


def with_step(step: Step, **fields: object) -> Ladder:
    """GOOD with one level changed."""
    return replace(GOOD, steps=tuple(replace(s, **fields) if s is step else s for s in GOOD.steps))


def of(*steps: Step, **fields: object) -> Ladder:
    """A ladder of these levels, numbered in their order."""
    numbered = tuple(replace(step, rank=rank) for rank, step in enumerate(steps, 1))
    return replace(GOOD, steps=numbered, **fields)


def test_a_good_ladder_has_no_fault_and_no_advice() -> None:
    assert check_ladder(GOOD) == []
    assert advise(GOOD) == []


@pytest.mark.parametrize(
    ("ladder", "rank", "field", "words"),
    [
        (replace(GOOD, steps=()), None, "levels", "au moins un niveau"),
        (replace(GOOD, steps=(PRE, FIRST, FORMAL)), None, "levels", "se suivre"),
        (replace(GOOD, steps=GOOD.steps[1:]), None, "levels", "à partir de 1"),
        (of(replace(FIRST, delay_from="PREVIOUS")), 1, "delay_from", "premier niveau"),
        (of(FIRST, PRE), 2, "kind", "avant les relances"),
        (with_step(PRE, delay_days=1), 1, "delay_days", "avant l’échéance"),
        (with_step(PRE, delay_from="END_OF_MONTH"), 1, "delay_from", "d’elle seule"),
        (with_step(PRE, claims_interest=True), 1, "claims_interest", "L441-10"),
        (with_step(PRE, claims_indemnity=True), 1, "claims_indemnity", "L441-10"),
        (with_step(FIRST, delay_days=0), 2, "delay_days", "après l’échéance"),
        (with_step(FIRST, delay_days=-3), 2, "delay_days", "après l’échéance"),
        (with_step(SECOND, delay_from="PREVIOUS", delay_days=0), 3, "delay_days", "niveau précédent"),
        (with_step(SECOND, delay_days=4), 3, "delay_days", "avant le niveau 2"),
        (of(FIRST, replace(FORMAL, delay_from="END_OF_MONTH", delay_days=0)), 2, "delay_days", "au moins 1 jour"),
        (with_step(FIRST, delay_from="END_OF_MONTH", delay_days=16), 3, "delay_days", "avant le niveau 2"),
        (with_step(FIRST, template_code="DOUX"), 2, "template_code", "n’existe plus"),
        (
            replace(with_step(FORMAL, template_code="DOUX"), template_kinds={"DOUX": "REMINDER"}),
            4, "template_code", "autre niveau",
        ),
        (with_step(AGENCY, channel="EMAIL"), 5, "channel", "à l’agence"),
        (with_step(FIRST, channel="AGENCY"), 2, "channel", "autre canal"),
        (with_step(FORMAL, channel="PHONE"), 4, "channel", "1344"),
        (with_step(FORMAL, channel="SMS"), 4, "channel", "1344"),
        (with_step(FIRST, channel="SMS"), 2, "channel", "passerelle SMS"),
        (of(PRE, FIRST, SECOND, AGENCY), 4, "kind", "suit une mise en demeure"),
        (of(FORMAL, AGENCY, replace(FIRST, delay_days=90)), 2, "kind", "dernier niveau"),
        (with_step(AGENCY, approval="AUTOMATIC"), 5, "approval", "une à une"),
        (with_step(AGENCY, approval="CONFIRMATION"), 5, "approval", "une à une"),
        (replace(GOOD, has_agency=False), 5, "kind", "Aucune agence"),
        (replace(GOOD, customer_kind="CONSUMER"), 3, "claims_indemnity", "entre professionnels"),
        (with_step(FIRST, minimum_amount=Decimal("-1")), 2, "minimum_amount", "positif"),
        (
            with_step(FIRST, minimum_amount=Decimal(50), maximum_amount=Decimal(50)),
            2,
            "maximum_amount",
            "dépasser",
        ),
        (with_step(FORMAL, pay_within_days=0), 4, "pay_within_days", "au moins 1 jour"),
        (
            of(FIRST, overdue_from=Decimal(100), overdue_below=Decimal(100)),
            None,
            "overdue_below",
            "aucun client",
        ),
        (of(FIRST, oldest_days_from=30, oldest_days_below=10), None, "oldest_days_below", "aucun client"),
        (replace(GOOD, overdue_from=Decimal(500)), None, "overdue_from", "avant l’échéance"),
        (replace(GOOD, oldest_days_from=10), None, "oldest_days_from", "avant l’échéance"),
        (replace(GOOD, sending_weekdays=""), None, "sending_weekdays", "au moins un jour"),
        (replace(GOOD, sending_weekdays="18"), None, "sending_weekdays", "au moins un jour"),
        (replace(GOOD, sending_weekdays="11"), None, "sending_weekdays", "au moins un jour"),
        (replace(GOOD, sending_until=time(8)), None, "sending_until", "suivre"),
    ],
)  # fmt: skip
def test_each_fault_stands_at_its_field(ladder, rank, field, words) -> None:
    faults = [fault for fault in check_ladder(ladder) if (fault.rank, fault.field) == (rank, field)]
    assert len(faults) == 1
    assert words in faults[0].sentence


def test_what_depends_on_the_day_of_the_month_is_no_fault() -> None:
    """The end of the month + 10 comes before the due date + 15, or after: both happen, and no step is skipped."""
    assert check_ladder(with_step(FIRST, delay_from="END_OF_MONTH", delay_days=10)) == []
    assert check_ladder(with_step(SECOND, delay_from="END_OF_MONTH", delay_days=1)) == []
    assert check_ladder(with_step(SECOND, delay_from="PREVIOUS", delay_days=8)) == []


@pytest.mark.parametrize(
    ("ladder", "rank", "field"),
    [
        (with_step(FORMAL, channel="EMAIL"), 4, "channel"),
        (with_step(FORMAL, channel="LETTER"), 4, "channel"),
        (with_step(FORMAL, approval="AUTOMATIC"), 4, "approval"),
        (
            replace(
                with_step(FORMAL, channel="E_REGISTERED"), customer_kind="CONSUMER", has_e_registered=True
            ),
            4,
            "channel",
        ),
        (with_step(FORMAL, claims_interest=False), 4, "claims_interest"),
        (with_step(FORMAL, claims_indemnity=False), 4, "claims_indemnity"),
        (replace(GOOD, contact_gap_days=12), 2, "delay_days"),
        (with_step(SECOND, delay_from="PREVIOUS", delay_days=5, gap_days=0), 3, "delay_days"),
        (with_step(SECOND, channel="PHONE"), 3, "call_script"),
    ],
)
def test_what_is_allowed_and_surprises_is_told(ladder, rank, field) -> None:
    assert check_ladder(replace(ladder, customer_kind="")) == []
    assert (rank, field) in [(advice.rank, advice.field) for advice in advise(ladder)]


def test_every_fault_of_a_bad_ladder_is_told_at_once() -> None:
    bad = of(replace(FIRST, delay_from="PREVIOUS", channel="SMS"), replace(AGENCY, approval="AUTOMATIC"))
    assert [(fault.rank, fault.field) for fault in check_ladder(bad)] == [
        (1, "delay_from"),
        (1, "channel"),
        (2, "kind"),
        (2, "approval"),
    ]


def test_an_electronic_registered_letter_needs_its_provider() -> None:
    ladder = with_step(FORMAL, channel="E_REGISTERED")
    assert [(fault.rank, fault.field) for fault in check_ladder(ladder)] == [(4, "channel")]
    assert check_ladder(replace(ladder, has_e_registered=True)) == []
