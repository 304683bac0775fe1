"""The fixed words of a letter, one module per language; adding a language is adding one here and its templates."""

from dunning.letters.wording.english import ENGLISH
from dunning.letters.wording.form import Wording
from dunning.letters.wording.french import FRENCH
from dunning.letters.wording.german import GERMAN
from dunning.letters.wording.italian import ITALIAN
from dunning.letters.wording.spanish import SPANISH

WORDING: dict[str, Wording] = {"fr": FRENCH, "en": ENGLISH, "de": GERMAN, "es": SPANISH, "it": ITALIAN}
LANGUAGES = tuple(WORDING)

__all__ = ["LANGUAGES", "WORDING", "Wording"]
