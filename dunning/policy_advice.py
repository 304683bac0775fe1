"""What a ladder may be, and yet surprises in practice. Pure; what it must be stands in `dunning.policy_rules`."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from dunning.policy_rules import (
    AGENCY,
    AUTOMATIC,
    CONSUMER,
    E_REGISTERED,
    EMAIL,
    FORMAL_NOTICE,
    LETTER,
    PHONE,
    PREVIOUS,
    SMS,
    Fault,
    Ladder,
    Step,
    StepRule,
)


def advise(ladder: Ladder) -> list[Fault]:
    """What is allowed and yet surprises in practice."""
    return [
        fault
        for index, step in enumerate(ladder.steps)
        for rule in _ADVICE
        for fault in rule(ladder, index, step)
    ]


def _notice_is_provable(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if step.kind == FORMAL_NOTICE and step.channel in (EMAIL, LETTER):
        yield Fault(
            step.rank,
            "channel",
            _("Sans recommandé, la date et la réception de la mise en demeure seront difficiles à prouver."),
        )
    if step.kind == FORMAL_NOTICE and step.approval == AUTOMATIC:
        yield Fault(
            step.rank,
            "approval",
            _("Une mise en demeure a des effets de droit : mieux vaut qu’une personne la valide."),
        )


def _consent_of_consumers(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if ladder.customer_kind == CONSUMER and step.channel == E_REGISTERED:
        yield Fault(
            step.rank,
            "channel",
            _(
                "Un particulier doit avoir accepté de recevoir des recommandés électroniques (CPCE, art. L100)."
            ),
        )


def _claims_shrink(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if index == 0 or step.channel in (PHONE, SMS):
        return
    before = ladder.steps[index - 1]
    for name, was, is_ in (
        ("claims_interest", before.claims_interest, step.claims_interest),
        ("claims_indemnity", before.claims_indemnity, step.claims_indemnity),
    ):
        if was and not is_:
            yield Fault(
                step.rank, name, _("Le niveau précédent le réclamait déjà : ce niveau semblerait y renoncer.")
            )


def _gap_delays(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    """A step that the gap between two contacts will always push back."""
    if index == 0 or step.channel == AGENCY:
        return
    before = ladder.steps[index - 1]
    if step.delay_from == PREVIOUS:
        apart = max(step.delay_days, step.gap_days)
    elif step.delay_from == before.delay_from:
        apart = max(step.delay_days - before.delay_days, step.gap_days)
    else:
        return
    if apart < ladder.contact_gap_days:
        yield Fault(
            step.rank,
            "delay_days",
            _(
                "Ce niveau suit le précédent de %(apart)s jours ; l’écart entre deux contacts le repoussera à %(gap)s jours."
            )
            % {"apart": apart, "gap": ladder.contact_gap_days},
        )


def _script_is_there(ladder: Ladder, index: int, step: Step) -> Iterator[Fault]:
    if step.channel == PHONE and not step.call_script.strip():
        yield Fault(
            step.rank,
            "call_script",
            _("Sans script, chacun appelle à sa façon : notez ce qu’il faut dire et demander."),
        )


_ADVICE: tuple[StepRule, ...] = (
    _notice_is_provable,
    _consent_of_consumers,
    _claims_shrink,
    _gap_delays,
    _script_is_there,
)
