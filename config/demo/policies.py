"""The dunning of the demo: one ladder for each kind of customer, and the agency at the end of it.

The ladders have two versions: a pilot that only chases the largest delays, retired on the as-of date, and the
version in force. So past campaigns are few and readable, and today's takes everybody.
"""

from dataclasses import dataclass
from decimal import Decimal

from customers.models import Customer
from dunning.models import Agency, Level, Policy

_EMAIL, _POST = Level.Channel.EMAIL, Level.Channel.LETTER
_REGISTERED, _AGENCY = Level.Channel.REGISTERED, Level.Channel.AGENCY


@dataclass(frozen=True)
class _Step:
    """`interest` and `indemnity`: whether the letter claims late-payment interest, and the fixed indemnity."""

    kind: str
    channel: str
    delay: int
    gap: int = 0
    interest: bool = False
    indemnity: bool = False
    pay_within: int = 8


@dataclass(frozen=True)
class _Ladder:
    code: str
    name: str
    priority: int
    steps: tuple[_Step, ...]
    segment: str = ""
    kind: str = ""
    minimum: str = "20.00"


_KIND = Level.Kind
LADDERS = (
    _Ladder(
        "GRANDS-COMPTES",
        "Scénario Grands comptes",
        10,
        (
            _Step(_KIND.REMINDER, _EMAIL, 8, pay_within=10),
            _Step(_KIND.SECOND_REMINDER, _EMAIL, 20, 12, interest=True, pay_within=10),
            _Step(_KIND.FORMAL_NOTICE, _REGISTERED, 45, 15, interest=True, indemnity=True),
            _Step(_KIND.HAND_OVER, _AGENCY, 90, 20, interest=True, indemnity=True),
        ),
        segment="Grands comptes",
        minimum="150.00",
    ),
    _Ladder(
        "PUBLIC",
        "Scénario Organismes publics",
        20,
        (
            _Step(_KIND.REMINDER, _EMAIL, 10, pay_within=15),
            _Step(_KIND.SECOND_REMINDER, _POST, 30, 15, interest=True, pay_within=15),
            _Step(_KIND.FORMAL_NOTICE, _REGISTERED, 60, 20, interest=True, pay_within=15),
        ),
        kind=Customer.Kind.PUBLIC_BODY,
        minimum="15.00",
    ),
    _Ladder(
        "PARTICULIERS",
        "Scénario Particuliers",
        30,
        (
            _Step(_KIND.REMINDER, _EMAIL, 7, pay_within=10),
            _Step(_KIND.SECOND_REMINDER, _EMAIL, 20, 10, pay_within=10),
            _Step(_KIND.FORMAL_NOTICE, _REGISTERED, 40, 15, pay_within=15),
        ),
        kind=Customer.Kind.CONSUMER,
        minimum="15.00",
    ),
    _Ladder(
        "PME",
        "Scénario PME",
        100,
        (
            _Step(_KIND.REMINDER, _EMAIL, 5),
            _Step(_KIND.SECOND_REMINDER, _EMAIL, 15, 8, interest=True, indemnity=True),
            _Step(_KIND.FORMAL_NOTICE, _REGISTERED, 30, 10, interest=True, indemnity=True),
            _Step(_KIND.HAND_OVER, _AGENCY, 60, 15, interest=True, indemnity=True),
        ),
    ),
)


def make_agency() -> Agency:
    return Agency.objects.create(
        name="Recouvrement Belgarance",
        email="dossiers@belgarance.example",
        address_lines="4 place des Halles\n69002 Lyon",
        contract_reference="MANDAT-2024-017",
        commission_rate=Decimal("12.00"),
    )


def make_pilot(minimum: Decimal) -> None:
    """Version 1 of each ladder, in force, for customers who are late by `minimum` at least."""
    _make(version=1, minimum=minimum)


def replace_pilot() -> None:
    """Retire version 1 and put version 2, with its own minimum, in force."""
    Policy.objects.filter(status=Policy.Status.ACTIVE).update(status=Policy.Status.RETIRED)
    _make(version=2, minimum=None)


def _make(*, version: int, minimum: Decimal | None) -> None:
    policies = Policy.objects.bulk_create(
        Policy(
            code=ladder.code,
            version=version,
            name=ladder.name,
            status=Policy.Status.ACTIVE,
            priority=ladder.priority,
            customer_kind=ladder.kind,
            segment=ladder.segment,
            minimum_amount=Decimal(ladder.minimum) if minimum is None else minimum,
        )
        for ladder in LADDERS
    )
    Level.objects.bulk_create(
        Level(
            policy=policy,
            rank=rank,
            kind=step.kind,
            channel=step.channel,
            delay_days=step.delay,
            gap_days=step.gap,
            pay_within_days=step.pay_within,
            claims_interest=step.interest,
            claims_indemnity=step.indemnity,
        )
        for policy, ladder in zip(policies, LADDERS, strict=True)
        for rank, step in enumerate(ladder.steps, 1)
    )
