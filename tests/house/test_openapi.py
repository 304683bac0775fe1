"""The API is what its description says, and no input that follows or breaks it ends in an error of ours."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.models import Role
from tests.api_client import make_key
from tests.house.world import build_world

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Resource -> what of the world its ids may name.
KNOWN = {
    "customers": "customer_uid",
    "invoices": "item_uid",
    "notices": "notice_uid",
    "credit-checks": "credit_check_uid",
    "deliveries": "delivery_uid",
    "exposures": "customer_uid",
    "limit-requests": "limit_request_uid",
    "orders": "order_uid",
    "invoice-batches": "batch",
    "bank-statements": "bank_file",
}

schema = schemathesis.openapi.from_dict(yaml.safe_load(COMMITTED.read_text(encoding="utf-8")))
schema.app = get_wsgi_application()


def test_the_committed_description_is_the_one_the_code_gives() -> None:
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert out.getvalue().strip() == COMMITTED.read_text(encoding="utf-8").strip(), (
        "bin/manage spectacular --file docs/openapi.yaml"
    )


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The server closes its connection after a request; here it is the test's own, in its transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def caller(make_user, settings, one_connection) -> tuple[dict[str, str], dict[str, object]]:
    settings.API_REQUESTS_PER_MINUTE = 0
    headers = {"Authorization": f"Bearer {make_key(make_user(Role.API_PARTNER, Role.CREDIT_MANAGER))}"}
    return headers, build_world()


@pytest.mark.django_db
@schema.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_asked_the_answer_is_as_described(case, caller) -> None:
    headers, world = caller
    case.call_and_validate(headers=headers, checks=CHECKS)
    resource = case.operation.path.removeprefix("/api/v1/").split("/")[0]
    if "{id}" in case.operation.path:
        # Most made-up ids name nothing: ask once more for a document that is there.
        case.path_parameters = {"id": str(world[KNOWN[resource]])}
        case.call_and_validate(headers=headers, checks=CHECKS)
