"""How the API describes itself: what all its resources have in common."""

from typing import Any, Literal

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from core.api import problems
from core.api.idempotency import HEADER


class FieldErrorSerializer(serializers.Serializer):
    pointer = serializers.CharField(
        help_text=_("`#/name` : un champ du corps ; `?limit` : un paramètre de l’adresse ; `#` : le tout.")
    )
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    type = serializers.CharField(help_text=_("`urn:encours:problem:` suivi du code."))
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text=_("Ce qui ne va pas et que faire, dans la langue demandée."))
    code = serializers.CharField(help_text=_("Stable : c’est lui que votre programme lit."))
    errors = FieldErrorSerializer(many=True)
    request_id = serializers.CharField(help_text=_("À citer dans une demande d’aide."))
    retryable = serializers.BooleanField(
        help_text=_("Vrai : la même demande peut réussir plus tard, sans changement.")
    )


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "core.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": str(_("Clé d’API : `Authorization: Bearer enc_live_…`")),
        }


IDEMPOTENCY_KEY = OpenApiParameter(
    name=HEADER,
    location=OpenApiParameter.HEADER,
    type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    description=_(
        "Une valeur neuve par intention, par exemple un UUID. La même demande répétée dans les 24 heures reçoit la "
        "même réponse, avec `Idempotency-Replayed: true`, et rien n’est fait deux fois."
    ),
)


class ApiSchema(AutoSchema):
    """Adds to every operation its problems, and to every POST its idempotency key."""

    def get_override_parameters(self) -> list[Any]:
        handler = getattr(self.view, self.method.lower(), None)
        return [IDEMPOTENCY_KEY] if getattr(handler, "is_idempotent", False) else []

    def _get_filter_parameters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._get_filter_parameters()  # type: ignore[no-untyped-call]
        for parameter in found:
            # A filter that a method answers says nothing of its type.
            parameter["schema"] = parameter.get("schema") or {"type": "string"}
        return found

    def get_tags(self) -> list[str]:
        return [self.view.scope] if getattr(self.view, "scope", "") else super().get_tags()

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        statuses = [400, 401, 403, 404, 406, 429, *getattr(self.view, "problem_statuses", ())]
        if self.method in ("POST", "PUT"):
            statuses += [409, 411, 413, 415, 422]
        if self.method == "PUT":
            statuses.append(412)
        for status in sorted(set(statuses)):
            answer = OpenApiResponse(ProblemSerializer, description=str(problems.TITLES[status]))
            bodies[str(status)] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                answer, str(status), [problems.CONTENT_TYPE]
            )
        return bodies
