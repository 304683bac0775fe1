"""Errors of the API: RFC 9457, `application/problem+json`, in the reader's language.

Statuses: 400 what was sent cannot be read, 401 and 403 who asks, 404 unknown or out of scope, 409 the document's
state forbids it, 412 the document has changed, 413 too large, 415 other media type, 422 a rule refuses, 429 too many,
503 the database restarts.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from rest_framework import exceptions

from core.errors import BusinessError, NotAllowed, WrongState

CONTENT_TYPE = "application/problem+json"

TITLES = {
    400: lazy("Demande illisible"),
    401: lazy("Authentification nécessaire"),
    403: lazy("Action non permise"),
    404: lazy("Introuvable"),
    405: lazy("Méthode non permise"),
    406: lazy("Format de réponse non disponible"),
    409: lazy("Conflit avec l’état du document"),
    411: lazy("Longueur de l’envoi inconnue"),
    412: lazy("Le document a changé"),
    413: lazy("Envoi trop volumineux"),
    415: lazy("Format d’envoi non accepté"),
    422: lazy("Demande refusée par une règle de gestion"),
    429: lazy("Trop de demandes"),
    500: lazy("Erreur interne"),
    503: lazy("Service momentanément indisponible"),
}


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with what was sent. `pointer`: `#/name` in the body, `?limit` in the address, `#` the whole."""

    pointer: str
    code: str
    message: str


class Problem(exceptions.APIException):
    """An answer with its own status and code. `headers` go with it; `retryable`: the same request may succeed later."""

    status_code = 400
    default_code = "bad_request"
    retryable = False

    def __init__(
        self,
        detail: str,
        *,
        code: str = "",
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail, code or self.default_code)
        self.code = code or self.default_code
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


class Conflict(Problem):
    status_code = 409
    default_code = "conflict"


class PreconditionFailed(Problem):
    status_code = 412
    default_code = "precondition_failed"


class LengthRequired(Problem):
    status_code = 411
    default_code = "length_required"


class PayloadTooLarge(Problem):
    status_code = 413
    default_code = "payload_too_large"


class InvalidQuery(exceptions.ValidationError):
    """Parameters of the address that cannot be used."""


def problem_response(
    request: HttpRequest,
    *,
    status: int,
    code: str,
    detail: str = "",
    errors: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    retryable: bool = False,
) -> HttpResponse:
    """The answer itself, whatever formats the request accepts: an error must always be readable."""
    problem = {
        "type": f"urn:encours:problem:{code}",
        "title": str(TITLES[status]),
        "status": status,
        "detail": detail or str(TITLES[status]),
        "code": code,
        "errors": [asdict(error) for error in errors],
        "request_id": getattr(request, "request_id", ""),
        "retryable": retryable,
    }
    # A refused value may hold half a character, which only JSON's own escape can write.
    body = json.dumps(problem, ensure_ascii=False, cls=DjangoJSONEncoder).encode("utf-8", "backslashreplace")
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def problem_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """What the API answers to an exception; None for the unexpected ones, which stay errors of ours."""
    request, view = context["request"], context["view"]
    if isinstance(error, Problem):
        return problem_response(
            request,
            status=error.status_code,
            code=error.code,
            detail=str(error.detail),
            errors=error.errors,
            headers=error.headers,
            retryable=error.retryable,
        )
    if isinstance(error, exceptions.ValidationError):
        root = "?" if isinstance(error, InvalidQuery) else "#"
        found = field_errors(error.detail, root)
        return problem_response(request, status=400, code="invalid", detail=_summary(found), errors=found)
    if isinstance(error, BusinessError):
        return _refusal(request, error, getattr(view, "conflicts", ()))
    if isinstance(error, Http404 | ObjectDoesNotExist | exceptions.NotFound):
        return problem_response(request, status=404, code="not_found", detail=_not_found())
    if isinstance(error, exceptions.Throttled):
        return problem_response(
            request,
            status=429,
            code="too_many_requests",
            detail=_(
                "Vous avez atteint le nombre de demandes permis par minute. Attendez, puis recommencez."
            ),
            headers={"Retry-After": str(int(error.wait or 1))},
            retryable=True,
        )
    if isinstance(error, RequestDataTooBig):
        return problem_response(request, status=413, code="payload_too_large", detail=too_large())
    if isinstance(error, SuspiciousOperation | BadRequest | UnreadablePostError):
        return problem_response(request, status=400, code="malformed", detail=_malformed())
    if isinstance(error, PermissionDenied):
        return _problem_of(request, exceptions.PermissionDenied())
    if isinstance(error, exceptions.APIException):
        return _problem_of(request, error)
    return None


def _problem_of(request: HttpRequest, error: exceptions.APIException) -> HttpResponse:
    """The framework's own exceptions, in our words."""
    status, code, detail = error.status_code, str(error.get_codes()), str(error.detail)
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if isinstance(error, exceptions.NotAuthenticated):
        detail = _("Donnez votre clé d’API : « Authorization: Bearer <clé> ».")
    elif isinstance(error, exceptions.PermissionDenied) and code == "permission_denied":
        # The framework's only other reason is the token that a browser's session must bring.
        code = "forbidden" if detail == exceptions.PermissionDenied.default_detail else "csrf_failed"
        detail = (
            _(
                "Ni votre rôle ni votre clé ne permettent cette action. Demandez-la à un administrateur d’Encours."
            )
            if code == "forbidden"
            else _("Le jeton CSRF de la session manque ou ne correspond pas. Rechargez la page.")
        )
    elif isinstance(error, exceptions.MethodNotAllowed):
        detail = _("Cette adresse n’accepte pas cette méthode. L’en-tête Allow dit lesquelles elle accepte.")
    elif isinstance(error, exceptions.NotAcceptable):
        detail = _("Cette adresse ne répond pas dans le format demandé par l’en-tête Accept.")
    elif isinstance(error, exceptions.UnsupportedMediaType):
        code = "unsupported_media_type"
        detail = _("Le format « %(type)s » n’est pas accepté ici. Vérifiez l’en-tête Content-Type.") % {
            "type": request.META.get("CONTENT_TYPE", "")[:80]
        }
    elif isinstance(error, exceptions.ParseError):
        code, detail = "malformed", f"{_malformed()} ({detail})"
    return problem_response(request, status=status, code=code, detail=detail, headers=headers)


def _refusal(
    request: HttpRequest, error: BusinessError, conflicts: tuple[type[BusinessError], ...]
) -> HttpResponse:
    if isinstance(error, NotAllowed):
        status = 403
    elif isinstance(error, (WrongState, *conflicts)):
        status = 409
    else:
        status = 422
    errors = [FieldError(f"#/{_escaped(error.field)}", error.code, error.message)] if error.field else []
    return problem_response(request, status=status, code=error.code, detail=error.message, errors=errors)


def field_errors(detail: Any, pointer: str = "#") -> list[FieldError]:
    """The errors of a serializer or a form, flat, each with its place."""
    if isinstance(detail, Mapping):
        return [
            found
            for name, inner in detail.items()
            for found in field_errors(inner, _below(pointer, "" if name in _WHOLE else str(name)))
        ]
    if isinstance(detail, list):
        return [
            found
            for index, inner in enumerate(detail)
            for found in field_errors(
                inner, _below(pointer, str(index)) if isinstance(inner, Mapping) else pointer
            )
        ]
    code = getattr(detail, "code", None)
    return [FieldError(pointer, str(code or "invalid"), str(detail))]


_WHOLE = ("non_field_errors", "__all__")


def _below(pointer: str, name: str) -> str:
    if not name:
        return pointer
    return f"?{name}" if pointer == "?" else f"{pointer}/{_escaped(name)}"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _summary(errors: list[FieldError]) -> str:
    first = errors[0] if errors else None
    return f"{first.pointer} : {first.message}" if first else str(TITLES[400])


def _not_found() -> str:
    return _("Rien à cette adresse, ou hors de votre périmètre. Vérifiez l’identifiant.")


def _malformed() -> str:
    return _("La demande est mal formée. Vérifiez sa syntaxe et son encodage (UTF-8).")


def too_large() -> str:
    return _("L’envoi dépasse la taille permise. Découpez-le.")
