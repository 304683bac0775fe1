"""Which card scores, which is on trial, and the card of a version: rows where there are any, else those shipped."""

from risk.card_content import card_of
from risk.default_cards import DEFAULT_CARD, DEFAULT_CARDS
from risk.models import ScoreCard
from risk.score_card import Card


def card_in_force() -> Card:
    """The card of the scores; the shipped one as long as nobody has put another in force."""
    row = ScoreCard.objects.filter(status=ScoreCard.Status.ACTIVE).first()
    return DEFAULT_CARD if row is None else read_card(row)


def challenger() -> ScoreCard | None:
    """The card on trial beside the one in force."""
    return ScoreCard.objects.filter(status=ScoreCard.Status.CHALLENGER).first()


def card_of_version(version: int) -> Card | None:
    """The card that a score came from."""
    row = ScoreCard.objects.filter(version=version).first()
    if row is not None:
        return read_card(row)
    return next((card for card in DEFAULT_CARDS if card.version == version), None)


def read_card(row: ScoreCard) -> Card:
    """A row's card. Raises FaultyCard for a draft that is not one yet."""
    return card_of(row.content, row.version)
