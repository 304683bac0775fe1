"""Public identifiers: UUID version 7 (RFC 9562), made by the database so that bulk inserts get them too."""

from django.db import models


class UuidV7(models.Func):
    """`encours_uuid7()`: 48 bits of Unix milliseconds, then random bits. PostgreSQL 15 has none of its own."""

    function = "encours_uuid7"
    template = "%(function)s()"
    output_field = models.UUIDField()
    arity = 0
