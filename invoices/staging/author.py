"""Who writes a batch, as the SQL that writes audit events takes it."""

from dataclasses import dataclass
from typing import Any

from core import audit
from core.rights import Actor
from invoices.models import ImportBatch


@dataclass(frozen=True)
class Author:
    """A person or the house itself, and the batch in whose name it writes."""

    batch: ImportBatch
    actor: Actor

    def values(self) -> dict[str, Any]:
        """The parameters `batch`, `entity`, `batch_ref`, `actor`, `actor_name`."""
        return {
            "batch": self.batch.pk,
            "entity": self.batch.legal_entity_id,
            "batch_ref": audit.ref(self.batch),
            "actor": self.actor.pk,
            "actor_name": str(self.actor)[:120],
        }
