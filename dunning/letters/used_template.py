"""The words of one letter as they stood when it was made: their source, frozen with its values."""

import dataclasses
from dataclasses import dataclass

from dunning.letters.frozen_values import FrozenValue

_LINES = {"lines": True}
BUILT_IN = "intégré"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateUsed(FrozenValue):
    """Texts in the letters' language (`template_language`); `version` 0 is that of the built-in template."""

    name: str = BUILT_IN
    version: int = 0
    subject: str
    body: str = dataclasses.field(metadata=_LINES)
    email: str = dataclasses.field(default="", metadata=_LINES)
    sms: str = ""
    # Whether the words of this one letter were changed by a person before it left.
    edited: bool = False
