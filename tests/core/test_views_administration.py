"""The administration's pages: by right, without surprises, the key's secret once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core import audit
from core.legal import shipped_values
from core.models import ApiKey, AuditEvent, JobRun, LegalParameter, Role, User
from core.operations.legal_parameters import load_legal_parameters
from core.rights import SYSTEM
from tests.pages import assert_no_server_error, counting, page_of, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def administrator(make_user: Any) -> User:
    return make_user(Role.ADMINISTRATOR)


@pytest.fixture
def browser(administrator: User, sign_in: Any) -> Client:
    return sign_in(administrator)


def hub(client: Client) -> list[str]:
    page = page_of(client.get(reverse("core:administration")).content)
    return [link.text_content().strip() for link in page.xpath("//ul[@class='places-list']//h2/a")]


def test_the_hub_shows_what_one_may_enter(browser: Client, make_user: Any, sign_in: Any) -> None:
    assert {"Utilisateurs", "Clés d’API", "Travaux de fond", "Journal d’audit"} <= set(hub(browser))
    accountant = hub(sign_in(make_user(Role.ACCOUNTANT)))
    assert "Travaux de fond" in accountant
    assert not {"Utilisateurs", "Clés d’API", "Journal d’audit"} & set(accountant)
    director = hub(sign_in(make_user(Role.FINANCE_DIRECTOR)))
    assert "Journal d’audit" in director
    assert "Travaux de fond" not in director


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("user-list", {Role.ADMINISTRATOR}),
        ("api-key-list", {Role.ADMINISTRATOR}),
        ("api-key-create", {Role.ADMINISTRATOR}),
        ("job-list", {Role.ADMINISTRATOR, Role.ACCOUNTANT, Role.CREDIT_MANAGER}),
        ("audit-list", {Role.ADMINISTRATOR, Role.FINANCE_DIRECTOR}),
        ("legal-parameter-list", set(Role) - {Role.API_PARTNER}),
        ("legal-parameter-enter", {Role.ADMINISTRATOR}),
    ],
)
def test_doors(name: str, allowed: set[Role], make_user: Any, sign_in: Any) -> None:
    for role in Role:
        status = sign_in(make_user(role)).get(reverse(f"core:{name}")).status_code
        assert status == (200 if role in allowed else 403), role


class TestJobs:
    def test_a_failed_job_shows_its_error(self, browser: Client) -> None:
        JobRun.objects.create(
            name="invoices.read_batch", key="7", status="DONE", started_at=NOW, finished_at=NOW
        )
        JobRun.objects.create(
            name="risk.score",
            key="2026",
            status="FAILED",
            started_at=NOW,
            error="OperationalError: lien perdu",
        )
        JobRun.objects.create(name="slow", key="1", started_at=NOW - timedelta(minutes=2), done=30, total=100)
        text = text_of(browser.get(reverse("core:job-list")).content)
        assert "lien perdu" in text
        assert "30 / 100" in text
        assert "120 s" in text
        only = text_of(browser.get(reverse("core:job-list") + "?status=FAILED").content)
        assert "read_batch" not in only

    def test_hostile_addresses_get_an_answer(self, browser: Client) -> None:
        assert_no_server_error(browser, reverse("core:job-list"), ("status", "name", "cursor"))


class TestAudit:
    def test_events_are_told_and_filtered(self, browser: Client, administrator: User) -> None:
        audit.record(
            actor=administrator, verb="customers.customer.held", refs=["customer:4"], reason="Vacances"
        )
        audit.record(actor=SYSTEM, verb="unknown.verb.done", refs=["thing:1"])
        address = reverse("core:audit-list")
        text = text_of(browser.get(address).content)
        assert "Relances suspendues" in text
        assert "Vacances" in text
        assert "unknown.verb.done" in text
        for query in (
            "?ref=customer:4",
            "?verb=customers.customer.held",
            f"?actor={administrator.full_name}",
        ):
            filtered = text_of(browser.get(address + query).content)
            assert "Vacances" in filtered
            assert "unknown.verb.done" not in filtered

    def test_hostile_addresses_get_an_answer(self, browser: Client) -> None:
        audit.record(actor=SYSTEM, verb="a.b.c", refs=[])
        parameters = ("verb", "actor", "since", "until", "ref", "cursor")
        assert_no_server_error(browser, reverse("core:audit-list"), parameters)

    def test_the_queries_do_not_grow_with_the_rows(self, browser: Client, administrator: User) -> None:
        counts = []
        for rows in (2, 20):
            while AuditEvent.objects.count() < rows:
                audit.record(actor=administrator, verb="a.b.c", refs=[])
            with counting() as count:
                browser.get(reverse("core:audit-list"))
            counts.append(count())
        assert counts[0] == counts[1]


class TestUsers:
    def test_roles_are_given_and_taken(self, browser: Client, make_user: Any) -> None:
        person = make_user(Role.ACCOUNTANT)
        address = reverse("core:user-detail", args=[person.pk])
        assert "Comptable" in text_of(browser.get(reverse("core:user-list")).content)
        for _time in range(2):
            browser.post(reverse("core:role-grant", args=[person.pk]), {"role": "CREDIT_MANAGER"})
        browser.post(reverse("core:role-revoke", args=[person.pk]), {"role": "ACCOUNTANT"})
        assert list(person.grants.values_list("role", flat=True)) == ["CREDIT_MANAGER"]
        refused = browser.post(reverse("core:role-grant", args=[person.pk]), {"role": "KING"}, follow=True)
        assert "n’existe pas" in text_of(refused.content)
        assert refused.redirect_chain[-1][0] == address

    def test_one_keeps_ones_own_administration(self, browser: Client, administrator: User) -> None:
        answer = browser.post(
            reverse("core:role-revoke", args=[administrator.pk]), {"role": "ADMINISTRATOR"}, follow=True
        )
        assert "vous retirer vous-même" in text_of(answer.content)
        assert administrator.grants.filter(role=Role.ADMINISTRATOR).exists()

    def test_an_access_is_closed_and_opened(self, browser: Client, make_user: Any) -> None:
        person = make_user(Role.ACCOUNTANT)
        for _time in range(2):
            browser.post(reverse("core:user-deactivate", args=[person.pk]))
        assert "Accès fermé" in text_of(browser.get(reverse("core:user-detail", args=[person.pk])).content)
        browser.post(reverse("core:user-reactivate", args=[person.pk]))
        person.refresh_from_db()
        assert person.is_active

    def test_unknown_people_and_wrong_methods(self, browser: Client, make_user: Any) -> None:
        person = make_user(Role.ACCOUNTANT)
        assert browser.get("/administration/utilisateurs/99999999999999999999/").status_code == 404
        assert browser.post(reverse("core:role-grant", args=[999_999])).status_code == 404
        for name in ("role-grant", "role-revoke", "user-deactivate", "user-reactivate"):
            assert browser.get(reverse(f"core:{name}", args=[person.pk])).status_code == 405

    def test_the_queries_do_not_grow_with_the_rows(self, browser: Client, make_user: Any) -> None:
        counts = []
        for rows in (2, 12):
            while User.objects.count() < rows:
                make_user(Role.ACCOUNTANT, email=f"u{User.objects.count()}@example.test")
            with counting() as count:
                browser.get(reverse("core:user-list"))
            counts.append(count())
        assert counts[0] == counts[1]


class TestApiKeys:
    def test_the_secret_shows_once(self, browser: Client, make_user: Any) -> None:
        partner = make_user(Role.API_PARTNER)
        given = {"user": partner.pk, "name": "ERP", "scopes": ["customers:read"], "expires_on": "2027-06-30"}
        answer = browser.post(reverse("core:api-key-create"), given)
        secret = page_of(answer.content).xpath("//code[@class='secret']")[0].text
        assert "no-store" in answer.headers["Cache-Control"]
        key = ApiKey.objects.get()
        assert key.expires_at.isoformat() == "2027-06-30T21:59:59.999999+00:00"
        listing = browser.get(reverse("core:api-key-list")).content.decode()
        assert key.prefix in listing
        assert secret not in listing
        assert "Clients : lire" in text_of(listing.encode())
        assert browser.post(reverse("core:api-key-create"), given).status_code == 422
        assert ApiKey.objects.count() == 1

    def test_refusals_stand_at_their_field(self, browser: Client, make_user: Any) -> None:
        partner, accountant = make_user(Role.API_PARTNER), make_user(Role.ACCOUNTANT)
        given = {"user": partner.pk, "name": "ERP", "scopes": ["customers:read"]}
        for changes in (
            {"user": accountant.pk},
            {"name": ""},
            {"scopes": ["root:write"]},
            {"expires_on": "2020-01-01"},
            {"expires_on": "9999-99-99"},
        ):
            assert browser.post(reverse("core:api-key-create"), given | changes).status_code == 422, changes
        assert not ApiKey.objects.exists()

    def test_a_key_is_revoked_once(self, browser: Client, make_user: Any) -> None:
        key = ApiKey.objects.create(
            user=make_user(Role.API_PARTNER),
            name="ERP",
            prefix="enc_live_x",
            secret_sha256="0" * 64,
            created_at=NOW,
        )
        address = reverse("core:api-key-revoke", args=[key.pk])
        assert "ne sert plus" in text_of(browser.post(address, follow=True).content)
        assert "déjà révoquée" in text_of(browser.post(address, follow=True).content)
        assert browser.get(address).status_code == 405
        assert browser.post(reverse("core:api-key-revoke", args=[999_999])).status_code == 404

    def test_without_keys_the_page_teaches(self, browser: Client) -> None:
        assert "Aucune clé" in text_of(browser.get(reverse("core:api-key-list")).content)


class TestLegalParameters:
    @pytest.fixture(autouse=True)
    def law(self) -> None:
        load_legal_parameters(actor=SYSTEM, values=shipped_values())

    def test_what_ends_soon_and_what_is_unconfirmed_is_said(self, browser: Client) -> None:
        text = text_of(browser.get(reverse("core:legal-parameter-list")).content)
        assert "vaut jusqu’au 31/12/2026" in text
        assert "À confirmer" in text
        assert "Nouvelle valeur" in text

    def test_a_reader_sees_no_buttons(self, make_user: Any, sign_in: Any) -> None:
        text = text_of(sign_in(make_user(Role.ACCOUNTANT)).get(reverse("core:legal-parameter-list")).content)
        assert "Nouvelle valeur" not in text

    def test_a_value_is_entered(self, browser: Client) -> None:
        given = {
            "key": "ecb.main_refinancing_rate", "value": "2,40", "valid_from": "2027-01-01",
            "valid_to": "2027-06-30", "source": "BCE, 1er janvier 2027", "confirmed": "on",
        }  # fmt: skip
        assert browser.post(reverse("core:legal-parameter-enter"), given).status_code == 302
        assert LegalParameter.objects.get(valid_from=date(2027, 1, 1)).value == "2.40"
        again = browser.post(reverse("core:legal-parameter-enter"), given)
        assert again.status_code == 422
        assert "recouvre" in text_of(again.content)
        assert browser.post(reverse("core:legal-parameter-enter"), given | {"key": "x"}).status_code == 422

    def test_a_value_is_confirmed(self, browser: Client) -> None:
        row = LegalParameter.objects.filter(confirmed=False).first()
        address = reverse("core:legal-parameter-confirm", args=[row.pk])
        assert browser.get(address).status_code == 200
        assert browser.post(address, {"value": row.value, "source": "Journal officiel"}).status_code == 302
        row.refresh_from_db()
        assert row.confirmed
        assert browser.post(address, {"value": "beaucoup", "source": "JO"}).status_code == 422
