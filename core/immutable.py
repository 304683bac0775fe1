"""Tables that are only added to: the database refuses to change, delete or empty what they keep."""

import pgtrigger

_NO_TRUNCATE = (
    "IF current_setting('encours.allow_truncate', true) = 'on' THEN RETURN NULL; END IF; "
    "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;"
)


def append_only(name: str) -> list[pgtrigger.Trigger]:
    """The triggers of such a table; `name` is the one that refuses UPDATE and DELETE.

    Only a session that says so (the test runner's) may empty the table.
    """
    return [
        pgtrigger.Protect(name=name, operation=pgtrigger.Update | pgtrigger.Delete),
        pgtrigger.Trigger(
            name="no_truncate",
            operation=pgtrigger.Truncate,
            when=pgtrigger.Before,
            level=pgtrigger.Statement,
            func=_NO_TRUNCATE,
        ),
    ]
