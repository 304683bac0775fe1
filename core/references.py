"""Who points at a model: found in the schema, upper floors included, without importing them."""

from collections.abc import Iterator
from typing import Any

from django.db import models


def references(model: type[models.Model]) -> Iterator[tuple[type[models.Model], Any]]:
    """Every foreign key that the database holds against the model: (model that has it, its field)."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not relation.auto_created or relation.concrete:
            continue
        field = getattr(relation, "field", None)
        if isinstance(field, models.ForeignKey) and _is_held(field) and field.model._meta.managed:
            yield field.model, field


def _is_held(field: Any) -> bool:
    return bool(field.db_constraint)


def is_carried_away(field: Any) -> bool:
    """Whether rows go with what they point at, having nothing of their own."""
    return bool(field.remote_field.on_delete is models.CASCADE)
