"""The address block of a window envelope: French postal writing norm (XP Z10-011).

Six lines at most (seven abroad), 38 characters at most, the last three lines in capitals, and no
punctuation from the fourth line on nor in the lines in capitals.
"""

import re

from dunning.letters.context import Debtor

MAX_CHARS = 38
MAX_LINES = 6
MAX_LINES_ABROAD = 7

_PUNCTUATION = re.compile(r"[.,;:!?'’‘`\"“”«»()\[\]/\\_*]+")


def address_block(debtor: Debtor) -> tuple[str, ...]:
    """Return the lines to print in the window, first to last.

    Words are never cut when they fit a line. When there are too many lines the attention line goes
    (the letter prints it elsewhere), then the name's continuation is shortened; the delivery address never is.
    """
    abroad = debtor.country not in ("", "FR", "MC")
    limit = MAX_LINES_ABROAD if abroad else MAX_LINES
    postal = [
        part
        for line in debtor.address_lines
        if line.strip()
        for part in _wrap(_capitals(line, keep_hyphen=abroad))
    ]
    if abroad and debtor.country_name:
        country = _capitals(debtor.country_name, keep_hyphen=True)
        if not postal or postal[-1] != country:
            postal.append(country)
    postal = _fit(postal, limit - 1)
    name = _wrap(debtor.name)
    attention = _wrap(debtor.attention) if debtor.attention else []
    if len(name) + len(attention) + len(postal) > limit:
        attention = []
    name = name[: max(1, limit - len(postal))]
    block = [*name, *attention, *postal]
    return tuple(_strip_punctuation(line) if index >= 3 else line for index, line in enumerate(block))


def attention_is_printed(debtor: Debtor) -> bool:
    """Whether the block had room for the attention line."""
    return bool(debtor.attention) and _wrap(debtor.attention)[0] in address_block(debtor)


def _capitals(line: str, *, keep_hyphen: bool) -> str:
    line = _strip_punctuation(line).upper()
    return line if keep_hyphen else " ".join(line.replace("-", " ").replace("–", " ").split())


def _strip_punctuation(line: str) -> str:
    return " ".join(_PUNCTUATION.sub(" ", line).split())


def _wrap(line: str) -> list[str]:
    """Break at words into lines of MAX_CHARS; a longer word is cut hard, nothing is lost."""
    lines = [""]
    for word in line.split():
        while len(word) > MAX_CHARS:
            lines.append(word[:MAX_CHARS])
            word = word[MAX_CHARS:]
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= MAX_CHARS:
            lines[-1] = joined
        else:
            lines.append(word)
    return [part for part in lines if part] or [""]


def _fit(postal: list[str], limit: int) -> list[str]:
    """Too many delivery lines: join the shortest neighbours rather than lose one."""
    postal = list(postal)
    while len(postal) > limit:
        # The last line (town or country) stays alone: sorting machines read it.
        index = min(range(len(postal) - 2), key=lambda i: len(postal[i]) + len(postal[i + 1]))
        postal[index : index + 2] = [f"{postal[index]} {postal[index + 1]}"]
    return postal
