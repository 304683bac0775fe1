"""What goes with a letter besides its pages: files named by their hash."""

from dataclasses import dataclass

from dunning.letters.frozen_values import FrozenValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure(FrozenValue):
    """A kept file that is sent with the letter; its bytes have this SHA-256."""

    name: str
    sha256: str
