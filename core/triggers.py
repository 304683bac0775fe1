"""Setting a named trigger aside for a few statements, as the operation that has the right to do so asks.

`pgtrigger.ignore` rewrites each statement, which named parameters do not survive; the setting it makes is the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pgtrigger
from django.db import connection

_SETTING = "pgtrigger.ignore"


@contextmanager
def triggers_aside(*names: str) -> Iterator[None]:
    """Let the statements of the body pass the triggers (`app.Model:name`). In a transaction, and never beyond it."""
    ignored = []
    for name in names:
        for model, trigger in pgtrigger.registered(name):
            ignored.append(trigger.get_pgid(model))
    _set("{" + ",".join(ignored) + "}")
    yield
    # Not after an error: the transaction is lost, and the setting with it.
    _set("{}")


def _set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [_SETTING, value])
