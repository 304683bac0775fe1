"""Comparing texts as people do: without case nor accents, in the database and through an index.

`Customer.objects.alias(folded=Fold("name")).filter(folded__contains=Fold(Value(text)))`
"""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db.models import F, Func, TextField


class Fold(Func):
    """`encours_fold()`: lower case, no accents (« Énergie » and « energie » are the same)."""

    function = "encours_fold"
    output_field = TextField()
    arity = 1


class FoldedIndex(GinIndex):
    """A trigram index on folded fields, one expression each: finds any part of a text of three letters or more."""

    def __init__(self, *fields: str, name: str) -> None:
        super().__init__(*(OpClass(Fold(F(field)), name="gin_trgm_ops") for field in fields), name=name)
        self._folded = fields

    def deconstruct(self) -> tuple[str, tuple[str, ...], dict[str, str]]:
        return "core.folding.FoldedIndex", self._folded, {"name": self.name}
