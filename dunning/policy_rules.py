"""What a ladder of dunning levels must be before it may lead anybody. Pure.

Sources: C. com. L441-10 II (interest and the fixed indemnity run from the day after the due date, between
professionals), CCP L2192-13 (public buyers likewise), C. civ. 1344 and 1344-1 (a formal notice is a written act that
calls on the debtor; it is what makes interest run against a consumer), C. civ. 1231-6, CPCE L111-8.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal

from django.utils.translation import gettext as _

ZERO = Decimal(0)
PRE_REMINDER, FORMAL_NOTICE, HAND_OVER = "PRE_REMINDER", "FORMAL_NOTICE", "HAND_OVER"
EMAIL, LETTER, REGISTERED, E_REGISTERED = "EMAIL", "LETTER", "REGISTERED", "E_REGISTERED"
PHONE, SMS, AGENCY = "PHONE", "SMS", "AGENCY"
DUE_DATE, END_OF_MONTH, PREVIOUS = "DUE_DATE", "END_OF_MONTH", "PREVIOUS"
AUTOMATIC, MANUAL = "AUTOMATIC", "MANUAL"
CONSUMER = "CONSUMER"
WEEKDAYS = frozenset("1234567")
# The longest part of a month that an end of month can lie after a due date.
_MONTH = 30


@dataclass(frozen=True)
class Step:
    """One level: the names and values are those of `dunning.models.Level`."""

    rank: int
    kind: str
    channel: str
    delay_days: int
    delay_from: str = DUE_DATE
    gap_days: int = 0
    pay_within_days: int = 8
    minimum_amount: Decimal = ZERO
    maximum_amount: Decimal | None = None
    claims_interest: bool = False
    claims_indemnity: bool = False
    approval: str = MANUAL
    call_script: str = ""
    template_code: str = ""


@dataclass(frozen=True)
class Ladder:
    """A policy's levels in their order, with what of the policy they depend on."""

    steps: Sequence[Step] = field(default_factory=tuple)
    customer_kind: str = ""
    overdue_from: Decimal | None = None
    overdue_below: Decimal | None = None
    oldest_days_from: int | None = None
    oldest_days_below: int | None = None
    contact_gap_days: int = 0
    sending_weekdays: str = "12345"
    sending_from: time = time(8)
    sending_until: time = time(18)
    # What the house can do.
    has_sms_gateway: bool = False
    has_e_registered: bool = False
    has_agency: bool = False
    # Template code -> kind of level whose letters it writes; those of the levels themselves are not named.
    template_kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What is wrong, where: `rank` None is the policy itself; `field` is the model's name of the field."""

    rank: int | None
    field: str
    sentence: str


def check_ladder(ladder: Ladder) -> list[Fault]:
    """What keeps the ladder from being put in force; empty when nothing does. In the order of the levels."""
    found = [fault for rule in _POLICY_RULES for fault in rule(ladder)]
    for index, step in enumerate(ladder.steps):
        found += [fault for rule in _STEP_RULES for fault in rule(ladder, index, step)]
    return found


def unkeepable(ladder: Ladder) -> list[Fault]:
    """The faults that not even a draft may hold: the database refuses them."""
    return [
        fault
        for fault in check_ladder(ladder)
        if (fault.rank is None and fault.field == "sending_until")
        or any(step.rank == fault.rank and fault.field in _refused_fields(step) for step in ladder.steps)
    ]


def _refused_fields(step: Step) -> set[str]:
    if step.kind == PRE_REMINDER:
        fields = {"claims_interest", "claims_indemnity"}
    elif step.kind == HAND_OVER:
        fields = {"channel", "approval"}
    else:
        fields = {"channel"} if step.channel == AGENCY else set()
    return fields | ({"delay_from"} if step.rank == 1 and step.delay_from == PREVIOUS else set())


# --- the policy ----------------------------------------------------------------------------------------------


def _has_steps(ladder: Ladder) -> Iterator[Fault]:
    if not ladder.steps:
        yield Fault(
            None, "levels", _("Ajoutez au moins un niveau : un scénario sans niveau ne relance personne.")
        )
    ranks = [step.rank for step in ladder.steps]
    if ranks != list(range(1, len(ranks) + 1)):
        yield Fault(
            None,
            "levels",
            _("Les rangs des niveaux doivent se suivre, à partir de 1 : un niveau ne se saute pas."),
        )


def _reachable_conditions(ladder: Ladder) -> Iterator[Fault]:
    if (
        ladder.overdue_from is not None
        and ladder.overdue_below is not None
        and ladder.overdue_from >= ladder.overdue_below
    ):
        yield Fault(
            None,
            "overdue_below",
            _("Ce plafond doit dépasser le plancher : sinon, aucun client ne convient."),
        )
    if (
        ladder.oldest_days_from is not None
        and ladder.oldest_days_below is not None
        and ladder.oldest_days_from >= ladder.oldest_days_below
    ):
        yield Fault(
            None,
            "oldest_days_below",
            _("Ce nombre de jours doit dépasser l’autre : sinon, aucun client ne convient."),
        )
    before_due = any(step.kind == PRE_REMINDER for step in ladder.steps)
    if before_due and (ladder.overdue_from or ladder.oldest_days_from):
        yield Fault(
            None,
            "overdue_from" if ladder.overdue_from else "oldest_days_from",
            _(
                "Ce scénario commence avant l’échéance : il ne peut pas attendre un retard. Retirez cette condition "
                "ou le rappel avant échéance."
            ),
        )


def _open_hours(ladder: Ladder) -> Iterator[Fault]:
    days = ladder.sending_weekdays
    if not days or not WEEKDAYS.issuperset(days) or len(set(days)) != len(days):
        yield Fault(None, "sending_weekdays", _("Choisissez au moins un jour d’envoi."))
    if ladder.sending_until <= ladder.sending_from:
        yield Fault(None, "sending_until", _("L’heure de fin doit suivre l’heure de début."))


_POLICY_RULES: tuple[Callable[[Ladder], Iterator[Fault]], ...] = (
    _has_steps,
    _reachable_conditions,
    _open_hours,
)


# --- each level ----------------------------------------------------------------------------------------------


def _first_counts_from_due_date(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if index == 0 and step.delay_from == PREVIOUS:
        yield Fault(
            step.rank,
            "delay_from",
            _("Le premier niveau n’a pas de niveau précédent : comptez son délai de l’échéance."),
        )


def _before_due_date(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if step.kind == PRE_REMINDER:
        if any(earlier.kind != PRE_REMINDER for earlier in ladder.steps[:index]):
            yield Fault(
                step.rank,
                "kind",
                _("Un rappel avant échéance vient avant les relances : remontez ce niveau."),
            )
        if step.delay_from != DUE_DATE:
            yield Fault(
                step.rank,
                "delay_from",
                _("Un rappel avant échéance se compte de l’échéance, et d’elle seule."),
            )
        if step.delay_days > 0:
            yield Fault(
                step.rank,
                "delay_days",
                _(
                    "Un rappel avant échéance part avant l’échéance ou le jour même : indiquez 0 ou un nombre négatif."
                ),
            )
        for name, claimed in (
            ("claims_interest", step.claims_interest),
            ("claims_indemnity", step.claims_indemnity),
        ):
            if claimed:
                yield Fault(
                    step.rank,
                    name,
                    _(
                        "Rien n’est dû en plus du principal avant l’échéance (C. com., art. L441-10) : décochez."
                    ),
                )
    elif step.delay_days < 1:
        sentence = (
            _("Comptez au moins 1 jour après l’envoi du niveau précédent.")
            if step.delay_from == PREVIOUS
            else _(
                "Une relance part après l’échéance : indiquez au moins 1 jour, ou choisissez « Rappel avant échéance »."
            )
        )
        yield Fault(step.rank, "delay_days", sentence)


def _later_than_before(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    """Two bases compare when one is later whatever the day of the month."""
    if step.delay_from == PREVIOUS:
        return
    latest = step.delay_days + (_MONTH if step.delay_from == END_OF_MONTH else 0)
    for earlier in ladder.steps[:index]:
        if earlier.delay_from == PREVIOUS:
            continue
        same = earlier.delay_from == step.delay_from
        if earlier.delay_days > (step.delay_days if same else latest):
            yield Fault(
                step.rank,
                "delay_days",
                _(
                    "Ce niveau viendrait avant le niveau %(rank)s (%(days)s jours) : augmentez son délai ou déplacez-le."
                )
                % {"rank": earlier.rank, "days": earlier.delay_days},
            )
            return


def _channel_fits(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if step.kind == HAND_OVER and step.channel != AGENCY:
        yield Fault(
            step.rank, "channel", _("Une remise en recouvrement se dépose à l’agence : choisissez ce canal.")
        )
    if step.kind != HAND_OVER and step.channel == AGENCY:
        yield Fault(
            step.rank,
            "channel",
            _("Seule une remise en recouvrement se dépose à l’agence : choisissez un autre canal."),
        )
    if step.kind == FORMAL_NOTICE and step.channel in (PHONE, SMS):
        yield Fault(
            step.rank,
            "channel",
            _(
                "Une mise en demeure est un écrit (C. civ., art. 1344) : choisissez une lettre, de préférence recommandée."
            ),
        )
    elif step.channel == SMS and not ladder.has_sms_gateway:
        yield Fault(
            step.rank,
            "channel",
            _("Aucune passerelle SMS n’est réglée dans cette installation : choisissez un autre canal."),
        )
    elif step.channel == E_REGISTERED and not ladder.has_e_registered and ladder.customer_kind != CONSUMER:
        yield Fault(
            step.rank,
            "channel",
            _(
                "Aucun prestataire de lettre recommandée électronique n’est réglé dans cette installation : choisissez un "
                "autre canal."
            ),
        )


def _hand_over(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if step.kind != HAND_OVER:
        return
    if not any(earlier.kind == FORMAL_NOTICE for earlier in ladder.steps[:index]):
        yield Fault(
            step.rank,
            "kind",
            _("Une remise en recouvrement suit une mise en demeure : ajoutez-en une avant ce niveau."),
        )
    if index != len(ladder.steps) - 1:
        yield Fault(
            step.rank, "kind", _("La remise en recouvrement est le dernier niveau : l’agence prend la suite.")
        )
    if step.approval != MANUAL:
        yield Fault(
            step.rank,
            "approval",
            _("Une personne décide de chaque remise en recouvrement : choisissez « Validée une à une »."),
        )
    if not ladder.has_agency:
        yield Fault(
            step.rank,
            "kind",
            _("Aucune agence de recouvrement n’est enregistrée : retirez ce niveau ou enregistrez-en une."),
        )


def _consumer_claims(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if ladder.customer_kind == CONSUMER and step.claims_indemnity:
        yield Fault(
            step.rank,
            "claims_indemnity",
            _(
                "L’indemnité forfaitaire n’est due qu’entre professionnels (C. com., art. L441-10) : décochez."
            ),
        )


def _amounts(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if step.minimum_amount < 0:
        yield Fault(step.rank, "minimum_amount", _("Indiquez un montant positif ou nul."))
    if step.maximum_amount is not None and step.maximum_amount <= step.minimum_amount:
        yield Fault(
            step.rank,
            "maximum_amount",
            _("Ce seuil de validation manuelle doit dépasser le montant minimal."),
        )


def _time_to_pay(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if step.kind == FORMAL_NOTICE and step.pay_within_days < 1:
        yield Fault(
            step.rank,
            "pay_within_days",
            _("Une mise en demeure laisse un délai pour régler : indiquez au moins 1 jour."),
        )


def _template_fits(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    """A letter leaves with the words, and the mandatory mentions, of its own kind."""
    if not step.template_code or step.template_code == step.kind:
        return
    kind = ladder.template_kinds.get(step.template_code)
    if kind is None:
        yield Fault(
            step.rank,
            "template_code",
            _("Ce modèle n’existe plus : choisissez-en un autre, ou celui du niveau."),
        )
    elif kind != step.kind:
        yield Fault(
            step.rank,
            "template_code",
            _("Ce modèle est écrit pour un autre niveau : ses mentions ne conviendraient pas ici."),
        )


StepRule = Callable[[Ladder, int, Step], Iterator[Fault]]
_STEP_RULES: tuple[StepRule, ...] = (
    _first_counts_from_due_date,
    _before_due_date,
    _later_than_before,
    _channel_fits,
    _hand_over,
    _consumer_claims,
    _amounts,
    _time_to_pay,
    _template_fits,
)
