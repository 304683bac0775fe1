"""The registry of legal values as commands need it: loaded when empty, read from the shipped file without a database."""

from django.db import DatabaseError

from core.legal import register, shipped_values
from core.legal_register import Register
from core.operations.legal_parameters import load_legal_parameters
from core.rights import SYSTEM


def command_register() -> tuple[Register, bool]:
    """The registry, and whether it comes from the database."""
    try:
        found = register()
        if not found.values:
            load_legal_parameters(actor=SYSTEM, values=shipped_values())
            found = register()
    except DatabaseError:
        return Register.of(shipped_values()), False
    return found, True
