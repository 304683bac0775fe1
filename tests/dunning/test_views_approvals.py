"""The pages of the approval list, of runs, stops, exceptions and settings."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from core.models import Role
from core.rights import SYSTEM
from dunning.models import DunningException, DunningSettings, DunningStop, Level, Notice, Run, RunExclusion
from dunning.operations.runs import dun
from dunning.operations.stops import stop_dunning
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(make_user, sign_in):
    return sign_in(make_user(Role.CREDIT_MANAGER))


@pytest.fixture
def proposed():
    """Six customers with a reminder each, from 100 to 600 euros; one customer disputes nothing and waits."""
    load_law()
    entity = make_entity()
    make_policy(entity)
    customers = [make_customer(entity, name=f"Cliente numéro {n}") for n in range(1, 7)]
    for n, customer in enumerate(customers, start=1):
        make_item(customer, f"{100 * n}.00", TODAY - timedelta(days=8 + n))
    make_item(make_customer(entity, name="Trop tôt"), "50.00", TODAY - timedelta(days=2))
    run = Run.objects.get(pk=dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW).run_id)
    return entity, run, customers


def names(page: str) -> list[int]:
    return [n for n in range(1, 7) if f"Cliente numéro {n}<" in page]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1, 2, 3, 4, 5, 6]),
        ("min_amount=300&max_amount=400", [3, 4]),
        ("customer=numéro+2", [2]),
        ("level=SECOND_REMINDER", []),
        ("channel=EMAIL", [1, 2, 3, 4, 5, 6]),
        ("language=en", [6]),
        ("exception=with", [5]),
        ("exception=without", [1, 2, 3, 4, 6]),
        ("late_from=12", [4, 5, 6]),
        ("sort=late", [1, 2, 3, 4, 5, 6]),
    ],
)
@time_machine.travel(NOW)
def test_filters_of_the_list(proposed, manager, query: str, found: list[int]) -> None:
    _entity, _run, customers = proposed
    customers[5].language = "en"
    customers[5].save()
    DunningException.objects.create(
        customer=customers[4], effect="REMINDERS_ONLY", reason="Stratégique", from_date=TODAY - timedelta(days=400),
        created_at=NOW,
    )  # fmt: skip
    page = manager.get(f"{reverse('dunning:approval-list')}?{query}")
    assert page.status_code == 200
    assert names(page.content.decode()) == found


@pytest.mark.parametrize(
    "query",
    ["level=x", "policy=%00", "late_from=-1", "late_from=1e9", "relance=abc", "relance=999999", "cursor=zzz",
     "sort=nope", "min_amount=1e400", "legal_entity=abc", "exception=x", "relance=%F0%9F%92%A9"],
)  # fmt: skip
def test_no_query_breaks_the_list(proposed, manager, query: str) -> None:
    for name in ("approval-list", "approval-all"):
        assert manager.get(f"{reverse(f'dunning:{name}')}?{query}").status_code in (200, 302, 400)


def test_each_row_says_why_now(proposed, manager) -> None:
    page = manager.get(reverse("dunning:approval-list")).content.decode()
    # Five days after the due date, which was nine days ago for the first.
    assert f"Atteint le {TODAY - timedelta(days=4):%d/%m/%Y}" in page
    assert "jamais" in page


def test_the_panel_shows_the_letter_and_what_stands_against_it(proposed, manager) -> None:
    _entity, run, customers = proposed
    notice = run.notices.get(customer=customers[0])
    make_item(customers[0], "-10.00", TODAY)
    page = manager.get(f"{reverse('dunning:approval-list')}?relance={notice.pk}").content.decode()
    assert reverse("dunning:notice-preview", args=[notice.pk]) in page
    assert "ne partira pas en l’état" in page


def test_a_row_of_a_guarded_run_or_a_stop_says_so(proposed, manager) -> None:
    entity, _run, _customers = proposed
    stop_dunning(actor=SYSTEM, legal_entity=entity, reason="Reprise", now=NOW)
    page = manager.get(reverse("dunning:approval-list")).content.decode()
    assert "Relances arrêtées" in page
    answer = manager.get(reverse("dunning:approval-all")).content.decode()
    assert "rien ne se valide pendant un arrêt" in answer


def test_deciding_on_all_asks_again_when_the_list_changed(proposed, manager) -> None:
    _entity, run, _customers = proposed
    url = reverse("dunning:approval-all") + "?min_amount=300"
    assert "Valider 4 relances" in manager.get(url).content.decode()
    changed = manager.post(url, {"action": "approve", "expected": "5"})
    assert changed.status_code == 409
    assert "compte maintenant 4 relances" in changed.content.decode()
    assert manager.post(url, {"action": "approve", "expected": "x"}).status_code == 409
    assert not run.notices.exclude(status="PROPOSED").exists()
    manager.post(url, {"action": "approve", "expected": "4"})
    assert run.notices.filter(status="APPROVED").count() == 4
    missing = manager.post(reverse("dunning:approval-all"), {"action": "reject", "expected": "2"})
    assert "Dites pourquoi" in missing.content.decode()
    manager.post(reverse("dunning:approval-all"), {"action": "reject", "expected": "2", "reason": "Doublon"})
    assert run.notices.filter(status="REJECTED", reason="Doublon").count() == 2


def test_the_outcome_of_every_customer_is_listed_searched_and_exported(proposed, manager) -> None:
    _entity, run, customers = proposed
    url = reverse("dunning:run-outcomes", args=[run.pk])
    page = manager.get(url).content.decode()
    assert names(page) == [1, 2, 3, 4, 5, 6]
    assert "Trop tôt" in page
    assert "Prochain niveau pas encore atteint" in page
    waiting = manager.get(f"{url}?outcome=WAITING").content.decode()
    assert names(waiting) == []
    assert f"{TODAY + timedelta(days=3):%d/%m/%Y}" in waiting
    assert names(manager.get(f"{url}?customer={customers[2].account_code}").content.decode()) == [3]
    for file_format in ("csv", "xlsx"):
        file = manager.get(reverse("dunning:run-outcomes-export", args=[run.pk, file_format]))
        content = b"".join(file.streaming_content)
        assert content
        if file_format == "csv":
            assert content.decode("utf-8-sig").count("\r\n") == 8
    assert manager.get(reverse("dunning:run-outcomes-export", args=[run.pk, "pdf"])).status_code == 404
    for query in ("outcome=NOPE", "cursor=abc", "customer=%00"):
        assert manager.get(f"{url}?{query}").status_code in (200, 400)


def test_a_run_is_confirmed_from_its_page(proposed, manager) -> None:
    entity, run, _customers = proposed
    Level.objects.filter(rank=1).update(approval=Level.Approval.CONFIRMATION, maximum_amount="400.00")
    page = manager.get(reverse("dunning:run-detail", args=[run.pk])).content.decode()
    assert "Confirmer l’envoi de 4 relances" in page
    manager.post(reverse("dunning:run-confirm", args=[run.pk]))
    assert run.notices.filter(status="APPROVED").count() == 4
    assert "Envoi confirmé" in manager.get(reverse("dunning:run-detail", args=[run.pk])).content.decode()
    assert entity.pk


@pytest.mark.parametrize("decision", ["release", "cancel"])
def test_a_guarded_run_shows_its_figures_and_is_decided_on(proposed, manager, decision: str) -> None:
    entity, _run, _customers = proposed
    guard = {"what": "notices", "volume": "600", "usual": "100", "ratio": "2.0", "runs": 5, "currency": ""}
    run = Run.objects.create(
        legal_entity=entity, as_of=TODAY, sequence=7, status=Run.Status.GUARDED, created_at=NOW, guard=guard,
        notice_count=600,
    )  # fmt: skip
    page = manager.get(reverse("dunning:run-detail", args=[run.pk])).content.decode()
    for figure in ("600", "100", "6,00", "retenue au-delà de 2.0"):
        assert figure in page
    if decision == "cancel":
        refused = manager.post(reverse("dunning:run-cancel", args=[run.pk]), follow=True).content.decode()
        assert "Dites pourquoi" in refused
    manager.post(reverse(f"dunning:run-{decision}", args=[run.pk]), {"reason": "Import incomplet"})
    run.refresh_from_db()
    assert run.status == {"release": Run.Status.PLANNED, "cancel": Run.Status.CANCELLED}[decision]


def test_a_stop_is_made_shown_everywhere_and_lifted(proposed, manager) -> None:
    entity, *_rest = proposed
    assert manager.post(reverse("dunning:stop-list"), {"reason": ""}).status_code == 400
    manager.post(reverse("dunning:stop-list"), {"legal_entity": entity.pk, "reason": "Panne"})
    stop = DunningStop.objects.get()
    for name in ("run-list", "approval-list", "notice-list", "case-list", "policy-list", "settings-list"):
        assert "Relances arrêtées" in manager.get(reverse(f"dunning:{name}")).content.decode()
    assert "Relances arrêtées" not in manager.get(reverse("customers:customer-list")).content.decode()
    manager.post(reverse("dunning:stop-lift", args=[stop.pk]))
    assert (
        "déjà levé"
        in manager.post(reverse("dunning:stop-lift", args=[stop.pk]), follow=True).content.decode()
    )


def test_other_scopes_see_neither_exceptions_nor_outcomes(proposed, make_user, sign_in) -> None:
    _entity, run, customers = proposed
    exception = DunningException.objects.create(
        customer=customers[0], effect="HOLD", reason="x", from_date=TODAY, until=TODAY, created_at=NOW
    )
    stranger = sign_in(make_user(Role.CREDIT_MANAGER, sees=[make_entity()]))
    for name, args in (
        ("run-outcomes", [run.pk]),
        ("exception-add", [customers[0].pk]),
        ("settings-edit", [run.legal_entity_id]),
        ("customer-panel", [customers[0].pk]),
    ):
        assert stranger.get(reverse(f"dunning:{name}", args=args)).status_code == 404
    assert stranger.post(reverse("dunning:exception-end", args=[exception.pk])).status_code == 404
    assert names(stranger.get(reverse("dunning:approval-list")).content.decode()) == []
    assert RunExclusion.objects.exists()


def test_settings_are_edited_and_refused_at_their_field(proposed, manager) -> None:
    entity, *_rest = proposed
    url = reverse("dunning:settings-edit", args=[entity.pk])
    form = {
        "sender_name": "Service crédit", "sender_email": "", "reply_address": "relances+{dossier}@exemple.fr",
        "copy_to": "", "bank_freshness_days": "2", "guard_ratio": "3", "guard_minimum": "100",
        "mails_per_minute": "20", "cost_of_money": "4.5", "cost_LETTER": "1.85",
    }  # fmt: skip
    assert manager.post(url, form | {"reply_address": "n’importe quoi"}).status_code == 400
    assert manager.post(url, form | {"cost_LETTER": "-1"}).status_code == 400
    assert not DunningSettings.objects.filter(legal_entity=entity).exclude(sender_name="").exists()
    assert manager.post(url, form).status_code == 302
    kept = DunningSettings.objects.get(legal_entity=entity)
    assert (kept.bank_freshness_days, kept.channel_costs) == (2, {"LETTER": "1.85"})
    assert "2 jours ouvrés au plus" in manager.get(reverse("dunning:settings-list")).content.decode()


def test_a_failed_notice_is_counted_as_received_from_its_page(proposed, manager) -> None:
    _entity, run, customers = proposed
    notice = run.notices.get(customer=customers[0])
    for status in (Notice.Status.APPROVED, Notice.Status.FAILED):
        notice.status = status
        notice.save(update_fields=["status"])
    assert (
        "Compter comme reçue"
        in manager.get(reverse("dunning:notice-detail", args=[notice.pk])).content.decode()
    )
    url = reverse("dunning:notice-sent", args=[notice.pk])
    manager.post(url, {"sent_on": "x", "reason": ""})
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FAILED
    manager.post(url, {"sent_on": TODAY.isoformat(), "reason": "Accusé de réception"})
    notice.refresh_from_db()
    assert (notice.status, notice.sent_on) == (Notice.Status.SENT, TODAY)
