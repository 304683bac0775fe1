"""A page that somebody may not open stays shut, and the refusal is on record."""

import pytest
from django.test import Client

from core.models import AuditEvent, Grant, Role, User

pytestmark = pytest.mark.django_db


def test_a_refused_page_leaves_its_audit_row_and_nothing_else() -> None:
    user = User.objects.create_user("comptable@example.test", None, full_name="Comptable")
    Grant.objects.create(user=user, role=Role.ACCOUNTANT)
    client = Client()
    client.force_login(user)
    before = AuditEvent.objects.count()
    answer = client.get("/administration/utilisateurs/")
    assert answer.status_code == 403
    event = AuditEvent.objects.latest("pk")
    assert AuditEvent.objects.count() == before + 1
    assert (event.verb, event.actor, event.data["permission"], event.data["path"]) == (
        "core.page.refused", user, "core.manage_users", "/administration/utilisateurs/",
    )  # fmt: skip
