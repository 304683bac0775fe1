"""Where things stand on an entity's paper: envelope window, fold marks, foot. Millimetres from the top left corner."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from dunning.letters.frozen_values import FrozenValue, LetterContextError

PAGE_WIDTH, PAGE_HEIGHT = 210, 297
MARGIN = 20
# A window that starts left of this leaves the sender and the references the right half of the head.
_MIDDLE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterheadLayout(FrozenValue):
    """The usual one is that of a DL envelope: 85 x 33 mm, 110 mm from the left, 55 mm from the top."""

    window_left: int = 110
    window_top: int = 55
    window_width: int = 85
    window_height: int = 33
    fold_marks: bool = True
    # Printed at the foot of each page, after the mentions the law asks for.
    footer: str = ""

    def __post_init__(self) -> None:
        FrozenValue.__post_init__(self)
        inside = (
            MARGIN <= self.window_left <= PAGE_WIDTH - self.window_width
            and 35 <= self.window_top <= 80
            and 60 <= self.window_width <= 110
            and 20 <= self.window_height <= 50
        )
        if not inside:
            raise LetterContextError(
                _(
                    "La fenêtre de l’enveloppe ne tient pas dans le haut de la page : elle commence à 20\u00a0mm "
                    "au moins de la gauche et entre 35 et 80\u00a0mm du haut, sur 60 à 110\u00a0mm de large et 20 à "
                    "50\u00a0mm de haut."
                ),
                field="letterhead",
            )

    @property
    def on_the_left(self) -> bool:
        return self.window_left < _MIDDLE

    def head_style(self) -> str:
        """The places as CSS, from the inside of the margins: sender and references stand beside the window."""
        bottom = self.window_top + self.window_height
        left = 0 if not self.on_the_left else max(90, self.window_left + self.window_width - MARGIN + 5)
        width = (self.window_left - MARGIN - 6) if not self.on_the_left else (170 - left)
        window = (
            f"left:{self.window_left - MARGIN}mm;top:{self.window_top - MARGIN}mm;width:{self.window_width}mm"
        )
        return (
            f".head{{height:{max(75, bottom - MARGIN + 7)}mm}}"
            f".sender{{left:{left}mm;width:{width}mm}}"
            f".window{{{window}}}"
            f".references{{left:{left}mm;top:35mm;width:{width}mm}}"
        )
