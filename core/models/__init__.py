from core.models.api_keys import ApiKey
from core.models.audit import AuditEvent
from core.models.files import StoredFile
from core.models.idempotency import IdempotencyRecord
from core.models.jobs import JobRun
from core.models.legal import LegalParameter
from core.models.users import Grant, Role, User

__all__ = [
    "ApiKey",
    "AuditEvent",
    "Grant",
    "IdempotencyRecord",
    "JobRun",
    "LegalParameter",
    "Role",
    "StoredFile",
    "User",
]
