"""POST twice, done once: the answer to an `Idempotency-Key` is kept 24 hours and given again.

The answer is written in the transaction of the work itself: a process killed half-way leaves neither, so that the
request can simply be sent again. Only successes are kept: a refusal changed nothing.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.http.request import QueryDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.problems import Conflict, FieldError, Problem
from core.errors import BusinessError
from core.files import sha256_of
from core.models.idempotency import IdempotencyRecord

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
KEPT_HEADERS = ("Location", "ETag")
RETRY_AFTER_SECONDS = "1"
# One new record in sixteen, and each that takes an old one's place, sweeps old ones away: no job is needed.
_SWEEPS = "0"
_SWEPT = 200

Handler = Callable[..., Response]


class UnderWay(Conflict):
    """The same key is being worked on right now."""

    default_code = "idempotency_key_in_use"
    retryable = True


def idempotent(handler: Handler) -> Handler:
    """For a view's `post`: honour the request's Idempotency-Key, when there is one."""

    @wraps(handler)
    def run(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        _check_key(key)
        fingerprint = _fingerprint(request)
        answer: Response | None = None
        refusal: Exception | None = None
        with transaction.atomic():
            if not _lock(request.user.pk, key):
                raise UnderWay(
                    _("Une demande avec cette clé d’idempotence est en cours. Attendez son résultat."),
                    headers={"Retry-After": RETRY_AFTER_SECONDS},
                )
            now = clock.now()
            found = IdempotencyRecord.objects.filter(user=request.user, key=key).first()
            if found is not None and found.created_at > now - KEPT:
                return _replay(found, fingerprint)
            try:
                answer = handler(view, request, *args, **kwargs)
            except (BusinessError, APIException, Http404, ObjectDoesNotExist, PermissionDenied) as error:
                # Refusals leave the block regularly: their audit row stays.
                refusal = error
            if answer is not None and answer.status_code < 300:
                _keep(request, key, found, fingerprint, answer, now)
        if refusal is not None:
            raise refusal
        assert answer is not None
        return answer

    run.is_idempotent = True  # type: ignore[attr-defined]
    return run


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise Problem(
            _("L’en-tête Idempotency-Key porte de 1 à 255 caractères ASCII visibles, par exemple un UUID."),
            code="invalid_idempotency_key",
        )


def _fingerprint(request: Request) -> str:
    """The SHA-256 of what is asked. Files count by their bytes and names, not by how the parts were cut."""
    data = request.data
    if isinstance(data, QueryDict):
        files = request.FILES
        body: Any = {
            "fields": sorted((name, data.getlist(name)) for name in data if name not in files),
            "files": sorted(
                (name, file.name, sha256_of(file)) for name in files for file in files.getlist(name)
            ),
        }
    else:
        body = data
    asked = [request.method, request.get_full_path(), body]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _lock(user_id: int, key: str) -> bool:
    """Hold the key until the transaction ends; False when another request holds it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"idempotency:{user_id}:{key}"]
        )
        return bool(cursor.fetchone()[0])


def _replay(found: IdempotencyRecord, fingerprint: str) -> Response:
    if found.fingerprint != fingerprint:
        message = _("Cette clé d’idempotence a déjà servi pour une autre demande. Prenez-en une nouvelle.")
        raise Conflict(
            message,
            code="idempotency_key_reused",
            errors=[FieldError("#", "idempotency_key_reused", message)],
        )
    return Response(json.loads(found.body), status=found.status, headers={**found.headers, REPLAYED: "true"})


def _keep(
    request: Request,
    key: str,
    found: IdempotencyRecord | None,
    fingerprint: str,
    answer: Response,
    now: datetime,
) -> None:
    """Write the answer under its key, which this transaction holds: `found` is the record of more than a day ago."""
    if found is not None or fingerprint.endswith(_SWEEPS):
        old = IdempotencyRecord.objects.filter(created_at__lte=now - KEPT)
        IdempotencyRecord.objects.filter(
            pk__in=old.select_for_update(skip_locked=True).order_by("created_at").values("pk")[:_SWEPT]
        ).delete()
    values = {
        "fingerprint": fingerprint,
        "status": answer.status_code,
        "headers": {name: answer[name] for name in KEPT_HEADERS if answer.has_header(name)},
        "body": JSONRenderer().render(answer.data).decode(),
        "created_at": now,
    }
    # The old record may have been swept away, by this very request.
    if found is None or not IdempotencyRecord.objects.filter(pk=found.pk).update(**values):
        IdempotencyRecord.objects.create(user=request.user, key=key, **values)
