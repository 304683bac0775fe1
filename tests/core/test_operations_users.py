from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from core.errors import BusinessError, NotAllowed, WrongState
from core.models import ApiKey, AuditEvent, Grant, Role, User
from core.operations.api_keys import ApiKeyRefused, create_api_key, revoke_api_key
from core.operations.users import RightsRefused, deactivate_user, grant_role, reactivate_user, revoke_role

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def rows() -> dict[str, list[tuple[object, ...]]]:
    return {
        model.__name__: list(model.objects.order_by("pk").values_list())
        for model in (User, Grant, ApiKey, AuditEvent)
    }


def assert_refused(call: Callable[[], object], error: type[BusinessError]) -> BusinessError:
    before = rows()
    with pytest.raises(error) as refusal:
        call()
    assert rows() == before
    return refusal.value


class TestRoles:
    def test_a_role_is_granted_once_and_told_once(self, make_user: Any) -> None:
        administrator, person = make_user(Role.ADMINISTRATOR), make_user(email="p@example.test")
        for _time in range(2):
            grant_role(actor=administrator, user_id=person.pk, role=Role.ACCOUNTANT, now=NOW)
        assert list(person.grants.values_list("role", flat=True)) == [Role.ACCOUNTANT]
        assert AuditEvent.objects.get().verb == "core.role.granted"

    def test_a_role_is_taken_away(self, make_user: Any) -> None:
        administrator, person = make_user(Role.ADMINISTRATOR), make_user(Role.ACCOUNTANT)
        revoke_role(actor=administrator, user_id=person.pk, role=Role.ACCOUNTANT, now=NOW)
        assert not person.grants.exists()
        assert AuditEvent.objects.get().refs == [f"user:{person.pk}"]

    def test_nobody_takes_the_administration_from_himself(self, make_user: Any) -> None:
        administrator = make_user(Role.ADMINISTRATOR)
        make_user(Role.ADMINISTRATOR, email="second@example.test")
        assert_refused(
            lambda: revoke_role(
                actor=administrator, user_id=administrator.pk, role=Role.ADMINISTRATOR, now=NOW
            ),
            RightsRefused,
        )
        assert_refused(
            lambda: deactivate_user(actor=administrator, user_id=administrator.pk, now=NOW), RightsRefused
        )

    def test_the_last_administrator_stays(self, make_user: Any) -> None:
        from core.rights import SYSTEM

        administrator = make_user(Role.ADMINISTRATOR)
        closed = make_user(Role.ADMINISTRATOR, email="closed@example.test")
        User.objects.filter(pk=closed.pk).update(is_active=False)
        refusal = assert_refused(
            lambda: revoke_role(actor=SYSTEM, user_id=administrator.pk, role=Role.ADMINISTRATOR, now=NOW),
            RightsRefused,
        )
        assert refusal.code == "last_administrator"
        assert_refused(
            lambda: deactivate_user(actor=SYSTEM, user_id=administrator.pk, now=NOW), RightsRefused
        )

    def test_unknown_roles_and_people_are_refused(self, make_user: Any) -> None:
        administrator = make_user(Role.ADMINISTRATOR)
        assert_refused(
            lambda: grant_role(actor=administrator, user_id=administrator.pk, role="KING", now=NOW),
            RightsRefused,
        )
        assert_refused(
            lambda: grant_role(actor=administrator, user_id=10**20, role=Role.ACCOUNTANT, now=NOW),
            RightsRefused,
        )

    def test_others_may_not(self, make_user: Any) -> None:
        manager = make_user(Role.CREDIT_MANAGER)
        with pytest.raises(NotAllowed):
            grant_role(actor=manager, user_id=manager.pk, role=Role.ADMINISTRATOR, now=NOW)
        assert list(manager.grants.values_list("role", flat=True)) == [Role.CREDIT_MANAGER]

    def test_a_closed_access_ends_the_session_and_opens_again(self, make_user: Any, sign_in: Any) -> None:
        administrator, person = make_user(Role.ADMINISTRATOR), make_user(Role.ACCOUNTANT)
        browser = sign_in(person)
        deactivate_user(actor=administrator, user_id=person.pk, now=NOW)
        assert browser.get("/").status_code == 302
        assert_refused(lambda: deactivate_user(actor=administrator, user_id=person.pk, now=NOW), WrongState)
        reactivate_user(actor=administrator, user_id=person.pk, now=NOW)
        assert_refused(lambda: reactivate_user(actor=administrator, user_id=person.pk, now=NOW), WrongState)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_remove_each_other(make_user: Any) -> None:
    one, two = make_user(Role.ADMINISTRATOR), make_user(Role.ADMINISTRATOR, email="two@example.test")
    barrier, results = Barrier(2), []

    def run(actor: User, target: User) -> None:
        try:
            barrier.wait(5)
            revoke_role(actor=actor, user_id=target.pk, role=Role.ADMINISTRATOR, now=NOW)
            results.append("done")
        except BusinessError as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    threads = [Thread(target=run, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) in (["NotAllowed", "done"], ["RightsRefused", "done"])
    assert Grant.objects.filter(role=Role.ADMINISTRATOR).count() == 1


class TestApiKeys:
    def make(self, actor: User, partner: User, **changes: Any) -> Any:
        return create_api_key(
            **{
                "actor": actor,
                "user_id": partner.pk,
                "name": "ERP",
                "scopes": ["customers:read"],
                "expires_at": None,
                "now": NOW,
            }
            | changes
        )

    @pytest.fixture
    def people(self, make_user: Any) -> tuple[User, User]:
        return make_user(Role.ADMINISTRATOR), make_user(Role.API_PARTNER)

    def test_a_key_opens_the_api_until_it_is_revoked(self, people: tuple[User, User]) -> None:
        made = self.make(*people)
        client = Client(headers={"Authorization": f"Bearer {made.secret}"})
        assert client.get("/api/v1/customers").status_code == 200
        revoke_api_key(actor=people[0], key_id=made.key.pk, now=NOW)
        assert client.get("/api/v1/customers").status_code == 401
        assert_refused(lambda: revoke_api_key(actor=people[0], key_id=made.key.pk, now=NOW), WrongState)

    def test_the_secret_is_kept_nowhere(self, people: tuple[User, User]) -> None:
        made = self.make(*people)
        assert made.secret not in str(rows())
        assert made.secret.startswith(made.key.prefix)
        assert len(made.key.prefix) < len(made.secret) - 30

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": "  "}, "name"),
            ({"name": "x" * 81}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["customers:delete"]}, "scopes"),
            ({"scopes": [":read"]}, "scopes"),
            ({"expires_at": NOW - timedelta(seconds=1)}, "expires_on"),
        ],
    )
    def test_a_bad_key_is_refused(
        self, people: tuple[User, User], changes: dict[str, Any], field: str
    ) -> None:
        assert assert_refused(lambda: self.make(*people, **changes), ApiKeyRefused).field == field

    def test_a_second_click_makes_no_second_key(self, people: tuple[User, User]) -> None:
        self.make(*people)
        assert assert_refused(lambda: self.make(*people), ApiKeyRefused).code == "name_taken"

    def test_a_key_acts_as_an_active_partner_only(self, people: tuple[User, User], make_user: Any) -> None:
        administrator, partner = people
        accountant = make_user(Role.ACCOUNTANT)
        assert_refused(lambda: self.make(administrator, accountant), ApiKeyRefused)
        User.objects.filter(pk=partner.pk).update(is_active=False)
        assert_refused(lambda: self.make(administrator, partner), ApiKeyRefused)

    def test_others_may_not(self, make_user: Any) -> None:
        partner = make_user(Role.API_PARTNER)
        with pytest.raises(NotAllowed):
            self.make(make_user(Role.CREDIT_MANAGER), partner)
        assert not ApiKey.objects.exists()
