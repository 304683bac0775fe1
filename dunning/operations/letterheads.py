"""The paper of an entity's letters."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core import audit
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from dunning.letter_context import layout_of
from dunning.models import Letterhead

FIELDS = ("window_left", "window_top", "window_width", "window_height", "has_fold_marks", "footer")


@operation("dunning.manage_templates")
def set_letterhead(
    *, actor: Actor, legal_entity: LegalEntity, values: Mapping[str, Any], now: datetime
) -> Letterhead:
    """Say where the envelope's window is. Raises LetterContextError when it would not stand in the head of the page."""
    head = Letterhead.objects.select_for_update().filter(legal_entity=legal_entity).first()
    head = head or Letterhead(legal_entity=legal_entity)
    before = {name: getattr(head, name) for name in FIELDS} if head.pk else {}
    for name in FIELDS:
        setattr(head, name, values[name])
    layout_of(head)
    head.save()
    audit.record(
        actor=actor,
        verb="dunning.letterhead.set",
        refs=[legal_entity],
        now=now,
        before=before,
        after={name: getattr(head, name) for name in FIELDS},
    )
    return head
