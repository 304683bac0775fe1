"""Score cards: drafted from another, tried, put in force by a second person. What was in force is never changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from risk.card_content import FaultyCard, card_of, content_of, fingerprint
from risk.default_cards import DEFAULT_CARD, DEFAULT_CARDS
from risk.models import CardSimulation, ScoreCard
from risk.score_card import Card

NAME_LENGTH = 80


class CardRefused(BusinessError):
    """The step cannot be taken with this card; `faults` are those of its content."""

    code = "card_refused"

    def __init__(self, message: str, *, field: str | None = None, faulty: FaultyCard | None = None) -> None:
        super().__init__(message, field=field)
        self.faults = faulty.faults if faulty else []


@operation("risk.manage_cards")
def draft_card(*, actor: Actor, from_version: int, name: str, now: datetime) -> ScoreCard:
    """A draft that says what another version says. Raises CardRefused without a name or for an unknown version."""
    _ship(now)
    source = ScoreCard.objects.filter(version=from_version).first()
    if source is None:
        raise CardRefused(
            _("Cette version n’existe pas : choisissez-en une de la liste."), field="from_version"
        )
    name = " ".join(name.split())
    if not name:
        raise CardRefused(_("Donnez un nom à la nouvelle version."), field="name")
    highest = ScoreCard.objects.aggregate(found=Max("version"))["found"]
    card = ScoreCard.objects.create(
        version=highest + 1,
        name=name[:NAME_LENGTH],
        content=source.content,
        created_by_id=actor.pk,
        created_at=now,
        edited_by_id=actor.pk,
        edited_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.card.drafted",
        refs=[card],
        now=now,
        name=str(card),
        from_version=source.version,
    )
    return card


@operation("risk.manage_cards")
def save_card(
    *, actor: Actor, card_id: int, seen: str, name: str, note: str, content: Mapping[str, Any], now: datetime
) -> ScoreCard:
    """Change a draft. `seen` is the fingerprint of what the person read.

    Raises CardRefused with every fault (weights that do not make 100, reversed bounds …), or when somebody else has
    changed the draft since; WrongState when it is no draft any more.
    """
    card = _locked(card_id)
    check_move(card, ScoreCard.Status.RETIRED)
    if card.status != ScoreCard.Status.DRAFT:
        raise CardRefused(_("Cette version n’est plus un brouillon : ouvrez-en une nouvelle."))
    if fingerprint(card.content) != seen:
        raise CardRefused(
            _("Une autre personne a modifié ce brouillon entre-temps : relisez-le, puis recommencez.")
        )
    name = " ".join(name.split())
    if not name:
        raise CardRefused(_("Donnez un nom à cette version."), field="name")
    try:
        checked = content_of(card_of(content, card.version))
    except FaultyCard as faulty:
        raise CardRefused(_("Corrigez les valeurs signalées."), faulty=faulty) from None
    card.name, card.note, card.content = name[:NAME_LENGTH], " ".join(note.split())[:200], checked
    card.edited_by_id, card.edited_at = actor.pk, now
    card.save(update_fields=["name", "note", "content", "edited_by", "edited_at"])
    audit.record(
        actor=actor,
        verb="risk.card.changed",
        refs=[card],
        now=now,
        name=str(card),
        fingerprint=fingerprint(checked),
    )
    return card


@operation("risk.manage_cards")
def challenge_with(*, actor: Actor, card_id: int, now: datetime) -> ScoreCard:
    """Put a draft on trial: scored each night beside the card in force, it decides nothing.

    A card on trial before it is retired. Raises WrongState, or CardRefused for faults.
    """
    card = _locked(card_id)
    check_move(card, ScoreCard.Status.CHALLENGER)
    _check_content(card)
    former = ScoreCard.objects.filter(status=ScoreCard.Status.CHALLENGER).first()
    if former is not None:
        _retire(former, now)
    card.status = ScoreCard.Status.CHALLENGER
    card.save(update_fields=["status"])
    audit.record(
        actor=actor,
        verb="risk.card.challenged",
        refs=[card] if former is None else [card, former],
        now=now,
        name=str(card),
    )
    return card


@operation("risk.activate_card")
def activate_card(*, actor: Actor, card_id: int, note: str, now: datetime) -> ScoreCard:
    """Put a card in force from the next scoring on; the one before retires.

    By another person than the one who changed it last, and only after this very content has been simulated on the
    portfolio. Raises CardRefused otherwise, WrongState for a card that is neither a draft nor on trial.
    """
    _ship(now)
    card = _locked(card_id)
    check_move(card, ScoreCard.Status.ACTIVE)
    _check_content(card)
    if card.edited_by_id is not None and card.edited_by_id == actor.pk:
        raise CardRefused(
            _("Une grille est mise en vigueur par une autre personne que celle qui l’a modifiée en dernier.")
        )
    simulated = CardSimulation.objects.filter(
        card=card, status=CardSimulation.Status.DONE, fingerprint=fingerprint(card.content)
    )
    if not simulated.exists():
        raise CardRefused(
            _("Simulez d’abord cette grille sur le portefeuille : vous verrez qui changerait de classe.")
        )
    former = ScoreCard.objects.filter(status=ScoreCard.Status.ACTIVE).first()
    if former is not None:
        _retire(former, now)
    card.status, card.activated_by_id, card.activated_at = ScoreCard.Status.ACTIVE, actor.pk, now
    card.note = " ".join(note.split())[:200] or card.note
    card.save(update_fields=["status", "activated_by", "activated_at", "note"])
    audit.record(
        actor=actor,
        verb="risk.card.activated",
        refs=[card] if former is None else [card, former],
        now=now,
        name=str(card),
        note=card.note,
        replaces=None if former is None else former.version,
    )
    return card


@operation("risk.manage_cards")
def retire_card(*, actor: Actor, card_id: int, now: datetime) -> ScoreCard:
    """Give up a draft or a trial. The card in force is replaced by another, never just retired."""
    card = _locked(card_id)
    if card.status == ScoreCard.Status.ACTIVE:
        raise CardRefused(_("La grille en vigueur ne se retire pas : mettez-en une autre en vigueur."))
    check_move(card, ScoreCard.Status.RETIRED)
    _retire(card, now)
    audit.record(actor=actor, verb="risk.card.retired", refs=[card], now=now, name=str(card))
    return card


def _locked(card_id: int) -> ScoreCard:
    _one_at_a_time()
    card = ScoreCard.objects.select_for_update().filter(pk=card_id).first()
    if card is None:
        raise CardRefused(_("Cette grille n’existe plus : rechargez la page."))
    return card


def _check_content(card: ScoreCard) -> Card:
    try:
        return card_of(card.content, card.version)
    except FaultyCard as faulty:
        raise CardRefused(_("Corrigez d’abord les erreurs de cette grille."), faulty=faulty) from None


def _retire(card: ScoreCard, now: datetime) -> None:
    card.status, card.retired_at = ScoreCard.Status.RETIRED, now
    card.save(update_fields=["status", "retired_at"])


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('risk.score_cards', 0))")


def _ship(now: datetime) -> None:
    """Write the cards shipped with the product, once: from then on they have a history."""
    _one_at_a_time()
    if ScoreCard.objects.exists():
        return
    names = {1: _("Comportement de paiement"), 2: _("Solvabilité")}
    for card in DEFAULT_CARDS:
        is_default = card.version == DEFAULT_CARD.version
        ScoreCard.objects.create(
            version=card.version,
            name=names.get(card.version, str(card.version)),
            status=ScoreCard.Status.ACTIVE if is_default else ScoreCard.Status.RETIRED,
            content=content_of(card),
            created_at=now,
            edited_at=now,
            activated_at=now if is_default else None,
            retired_at=None if is_default else now,
        )
