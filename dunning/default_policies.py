"""The ladders that suit a French small business out of the box: companies, public bodies, consumers.

Delays follow practice, not law; what each level may claim follows `dunning.policy_rules`. Public buyers owe interest
and the indemnity of full right (CCP L2192-13); consumers owe neither before a formal notice (C. civ. 1231-6), and
are never handed over without a person's decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from dunning.models import Level, Policy

_KIND, _CHANNEL, _TONE, _APPROVAL = Level.Kind, Level.Channel, Level.Tone, Level.Approval
_BOTH = {"claims_interest": True, "claims_indemnity": True}


@dataclass(frozen=True)
class DefaultPolicy:
    """A ladder to start from. `levels` are fields of Level, in their order."""

    code: str
    name: str | Promise
    about: str | Promise
    levels: tuple[Mapping[str, Any], ...]
    fields: Mapping[str, Any] = field(default_factory=dict)

    def make_levels(self, *, has_agency: bool = True) -> list[Level]:
        """The levels, not saved; without an agency, the hand-over is left out."""
        return [
            Level(rank=rank, **values)
            for rank, values in enumerate(self.levels, 1)
            if has_agency or values["kind"] != _KIND.HAND_OVER
        ]


def _level(kind: str, channel: str, days: int, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "channel": channel, "delay_days": days, **fields}


def _hand_over(days: int, gap: int, **fields: Any) -> dict[str, Any]:
    return _level(
        _KIND.HAND_OVER,
        _CHANNEL.AGENCY,
        days,
        gap_days=gap,
        tone=_TONE.FORMAL,
        minimum_amount=Decimal("150.00"),
        **fields,
    )


SME = DefaultPolicy(
    "PME",
    _("Entreprises"),
    _("Un rappel avant l’échéance, deux relances, une mise en demeure à J+30, l’agence à J+60."),
    (
        _level(_KIND.PRE_REMINDER, _CHANNEL.EMAIL, -5, approval=_APPROVAL.AUTOMATIC, minimum_amount=Decimal("500.00")),
        _level(_KIND.REMINDER, _CHANNEL.EMAIL, 5, approval=_APPROVAL.AUTOMATIC, attaches_statement=True),
        _level(
            _KIND.SECOND_REMINDER, _CHANNEL.EMAIL, 15, gap_days=8, tone=_TONE.FIRM,
            approval=_APPROVAL.CONFIRMATION, maximum_amount=Decimal("10000.00"),
            attaches_statement=True, attaches_invoices=True, **_BOTH,
        ),
        _level(
            _KIND.FORMAL_NOTICE, _CHANNEL.REGISTERED, 30, gap_days=10, tone=_TONE.FORMAL,
            minimum_amount=Decimal("50.00"), attaches_invoices=True, **_BOTH,
        ),
        _hand_over(60, 15, **_BOTH),
    ),
    {"priority": 100, "minimum_amount": Decimal("20.00"), "contact_gap_days": 7},
)  # fmt: skip
PUBLIC = DefaultPolicy(
    "PUBLIC",
    _("Organismes publics"),
    _("Trente jours de patience, puis les intérêts moratoires dus de plein droit ; pas d’agence."),
    (
        _level(_KIND.REMINDER, _CHANNEL.EMAIL, 10, pay_within_days=15, approval=_APPROVAL.AUTOMATIC, attaches_statement=True),
        _level(
            _KIND.SECOND_REMINDER, _CHANNEL.LETTER, 30, gap_days=15, pay_within_days=15, tone=_TONE.FIRM,
            approval=_APPROVAL.CONFIRMATION, attaches_invoices=True, **_BOTH,
        ),
        _level(
            _KIND.FORMAL_NOTICE, _CHANNEL.REGISTERED, 60, gap_days=20, pay_within_days=15, tone=_TONE.FORMAL,
            attaches_invoices=True, **_BOTH,
        ),
    ),
    {
        "priority": 20, "customer_kind": Customer.Kind.PUBLIC_BODY.value, "minimum_amount": Decimal("15.00"),
        "contact_gap_days": 10,
    },
)  # fmt: skip
CONSUMERS = DefaultPolicy(
    "PARTICULIERS",
    _("Particuliers"),
    _("Deux relances et une mise en demeure, sans pénalité ni indemnité forfaitaire."),
    (
        _level(_KIND.PRE_REMINDER, _CHANNEL.EMAIL, -3, approval=_APPROVAL.AUTOMATIC),
        _level(_KIND.REMINDER, _CHANNEL.EMAIL, 7, pay_within_days=10, approval=_APPROVAL.AUTOMATIC),
        _level(
            _KIND.SECOND_REMINDER, _CHANNEL.LETTER, 20, gap_days=10, pay_within_days=10, tone=_TONE.FIRM,
            approval=_APPROVAL.CONFIRMATION, attaches_invoices=True,
        ),
        _level(
            _KIND.FORMAL_NOTICE, _CHANNEL.REGISTERED, 40, gap_days=15, pay_within_days=15, tone=_TONE.FORMAL,
            minimum_amount=Decimal("30.00"), attaches_invoices=True,
        ),
    ),
    {
        "priority": 30, "customer_kind": Customer.Kind.CONSUMER.value, "minimum_amount": Decimal("15.00"),
        "contact_gap_days": 7, "grouping": Policy.Grouping.CUSTOMER.value,
    },
)  # fmt: skip
LARGE_ACCOUNTS = DefaultPolicy(
    "GRANDS-COMPTES",
    _("Grands comptes"),
    _("Des appels plutôt que des lettres : un chargé de compte parle avant toute pénalité."),
    (
        _level(_KIND.PRE_REMINDER, _CHANNEL.EMAIL, -10, pay_within_days=10, approval=_APPROVAL.AUTOMATIC, attaches_statement=True),
        _level(
            _KIND.REMINDER, _CHANNEL.PHONE, 8, pay_within_days=10,
            call_script=_("Vérifier que chaque facture est enregistrée et validée ; demander la date du prochain règlement."),
        ),
        _level(
            _KIND.SECOND_REMINDER, _CHANNEL.EMAIL, 20, gap_days=12, pay_within_days=10, tone=_TONE.FIRM,
            attaches_statement=True, attaches_invoices=True, claims_interest=True,
        ),
        _level(
            _KIND.FORMAL_NOTICE, _CHANNEL.REGISTERED, 45, gap_days=15, tone=_TONE.FORMAL, attaches_invoices=True,
            **_BOTH,
        ),
    ),
    {
        "priority": 10, "turnover_share_from": Decimal("5.00"), "minimum_amount": Decimal("150.00"),
        "contact_gap_days": 10, "progression": Policy.Progression.OLDEST_LEADS.value,
    },
)  # fmt: skip

# Installed together on a new house; the others are there to start from.
DEFAULT_POLICIES = (PUBLIC, CONSUMERS, SME)
MODELS = (SME, PUBLIC, CONSUMERS, LARGE_ACCOUNTS)
