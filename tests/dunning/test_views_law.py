"""Pages of waivers and limitation: what they show, to whom, and what they refuse."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.calendar import add_months
from core.models import LegalParameter, Role
from core.rights import SYSTEM
from dunning.models import FeeWaiver, Level, LimitationEvent, Notice
from dunning.operations.runs import dun
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
)
from tests.pages import assert_no_server_error, counting, csv_rows, page_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(time_machine):
    """An invoice 60 days late, whose first reminder was sent."""
    time_machine.move_to(NOW, tick=False)
    load_law()
    entity = make_entity()
    make_policy(entity)
    item = make_item(make_customer(entity), "1000.00", TODAY - timedelta(days=60))
    make_step(
        item, Level.objects.get(policy__legal_entity=entity, rank=1), sent_on=TODAY - timedelta(days=15)
    )
    return item


@pytest.fixture
def manager(make_user, sign_in, item):
    return sign_in(make_user(Role.CREDIT_MANAGER))


def words(answer) -> str:
    return " ".join(page_of(answer.content).text_content().split())


def panel(client, item) -> str:
    return words(client.get(reverse("dunning:item-law", args=[item.pk]), headers={"HX-Request": "true"}))


def test_the_panel_says_what_lateness_costs_and_until_when(manager, item) -> None:
    shown = panel(manager, item)
    assert "20,38 €" in shown and "40,00 €" in shown and "0,34 € par jour de plus" in shown
    assert "Taux non confirmé" in shown
    assert "taux de refinancement de la BCE majoré de 10 points" in shown
    assert "5 ans, entre professionnels (C. com. L110-4)" in shown
    page = manager.get(reverse("dunning:item-law", args=[item.pk]))
    assert page.status_code == 200 and "<html" in page.content.decode()
    detail = manager.get(reverse("invoices:item-detail", args=[item.pk])).content.decode()
    assert reverse("dunning:item-law", args=[item.pk]) in detail


def test_an_items_page_shows_its_steps_and_takes_an_exception(manager, item) -> None:
    shown = panel(manager, item)
    assert "Relances de la pièce" in shown and "Envoyée" in shown
    here = reverse("invoices:item-detail", args=[item.pk])
    add = reverse("dunning:exception-add", args=[item.customer_id]) + f"?piece={item.pk}&next={here}"
    assert f"pièce {item.number} seulement" in words(manager.get(add))
    answer = manager.post(
        add,
        {"piece": item.pk, "next": here, "effect": "REMINDERS_ONLY", "reason": "Client fragile", "until": ""},
    )
    assert answer.url == here
    shown = panel(manager, item)
    assert "Ni mise en demeure ni remise en recouvrement. Client fragile" in shown
    assert "Lever l’exception" in shown


def test_a_law_without_rates_says_which_value_to_enter(manager, item) -> None:
    item.customer.late_payment_law = "PL"
    item.customer.save()
    shown = panel(manager, item)
    assert "Taux de référence de la Banque nationale de Pologne" in shown and "Prescription" in shown


def test_a_waiver_is_granted_shown_and_taken_back(manager, item) -> None:
    run = dun(actor=SYSTEM, legal_entity=item.legal_entity, as_of=TODAY, now=NOW)
    notice = Notice.objects.get(run=run.run_id)
    address = reverse("dunning:waiver-create", args=[item.pk])
    assert manager.get(address).status_code == 200
    refused = manager.post(address, {"part": "BOTH", "reason": "  "})
    assert refused.status_code == 422 and not FeeWaiver.objects.exists()
    answer = manager.post(address, {"part": "BOTH", "reason": "Livraison en retard"}, follow=True)
    assert "Remise accordée" in answer.content.decode()
    notice.refresh_from_db()
    assert notice.status == "HELD"
    shown = panel(manager, item)
    assert "Livraison en retard" in shown and "Pénalités remises" in shown
    listing = words(manager.get(reverse("dunning:waiver-list")))
    assert item.number in listing and "En vigueur" in listing
    waiver = FeeWaiver.objects.get()
    again = manager.post(address, {"part": "INTEREST", "reason": "encore"})
    assert again.status_code == 422 and "déjà en vigueur" in again.content.decode()
    revoke = reverse("dunning:waiver-revoke", args=[waiver.pk])
    assert manager.get(revoke).status_code == 200
    assert manager.post(revoke, {"reason": "Erreur"}).status_code == 302
    assert "Retirée le 23/11/2026" in words(manager.get(reverse("dunning:waiver-list")))


def test_a_notice_is_waived_from_its_page(manager, item) -> None:
    run = dun(actor=SYSTEM, legal_entity=item.legal_entity, as_of=TODAY, now=NOW)
    notice = Notice.objects.get(run=run.run_id)
    address = reverse("dunning:notice-waive", args=[notice.pk])
    assert manager.get(address).status_code == 200
    assert manager.post(address, {"part": "INDEMNITY", "reason": "Accord du 3"}).status_code == 302
    assert FeeWaiver.objects.get().notice == notice


def test_when_waivers_are_forbidden_the_pages_say_so(manager, item) -> None:
    assert manager.post(
        reverse("dunning:waiver-create", args=[item.pk]), {"part": "BOTH", "reason": "Geste"}
    ).status_code == 302  # fmt: skip
    LegalParameter.objects.filter(key="waiver.allowed").update(value="NO", source="Loi nouvelle, art. 3")
    assert "peut être nulle" in panel(manager, item)
    assert "Remises interdites" in words(manager.get(reverse("dunning:waiver-list")))
    other = make_item(item.customer, "10.00", TODAY)
    answer = manager.post(
        reverse("dunning:waiver-create", args=[other.pk]), {"part": "BOTH", "reason": "Geste"}
    )
    assert answer.status_code == 422 and "Loi nouvelle, art. 3" in answer.content.decode()


def test_an_act_is_recorded_with_its_document_ended_and_withdrawn(manager, item) -> None:
    address = reverse("dunning:limitation-record", args=[item.pk])
    assert manager.get(address).status_code == 200
    answer = manager.post(
        address,
        {
            "kind": "COURT_CLAIM",
            "happened_on": TODAY.isoformat(),
            "evidence": "Assignation du 23 novembre",
            "is_certain": "on",
            "file": SimpleUploadedFile("assignation.pdf", b"%PDF-1.7 x", "application/pdf"),
        },
    )
    assert answer.status_code == 302
    event = LimitationEvent.objects.get()
    shown = panel(manager, item)
    assert "procédure ou médiation en cours" in shown and "assignation.pdf" in shown
    proof = manager.get(reverse("dunning:limitation-evidence", args=[event.pk]))
    assert b"".join(proof.streaming_content) == b"%PDF-1.7 x"
    end = reverse("dunning:limitation-end", args=[event.pk])
    assert manager.get(end).status_code == 200
    tomorrow = (TODAY + timedelta(days=1)).isoformat()
    assert manager.post(end, {"ended_on": tomorrow}).status_code == 422
    assert manager.post(end, {"ended_on": TODAY.isoformat()}).status_code == 302
    assert "23/11/2031" in panel(manager, item)
    withdraw = reverse("dunning:limitation-withdraw", args=[event.pk])
    assert manager.get(withdraw).status_code == 200
    assert manager.post(withdraw, {"reason": "Désistement"}).status_code == 302
    assert manager.get(reverse("dunning:limitation-evidence", args=[event.pk])).status_code == 404


def test_a_wrong_act_is_refused_at_its_field(manager, item) -> None:
    address = reverse("dunning:limitation-record", args=[item.pk])
    for fields in ({"kind": ""}, {"kind": "COURT_CLAIM", "happened_on": "31/02/2026", "evidence": "x"}):
        assert manager.post(address, fields).status_code == 422
    future = {"kind": "ENFORCEMENT", "happened_on": "2027-01-01", "evidence": "x"}
    answer = manager.post(address, future)
    assert answer.status_code == 422 and "à venir" in answer.content.decode()
    assert not LimitationEvent.objects.exists()


def test_the_list_goes_from_the_most_urgent_and_is_exported(manager, item) -> None:
    base = add_months(TODAY, -60)
    days = [200, 20, -30, 100]
    claims = [
        make_item(item.customer, "50.00", base + timedelta(days=n), issue_date=base + timedelta(days=n))
        for n in days
    ]
    listing = words(manager.get(reverse("dunning:limitation-list")))
    order = [listing.index(claim.number) for claim in (claims[2], claims[1], claims[3], claims[0])]
    assert order == sorted(order)
    assert "dépassée" in listing and item.number not in listing
    passed = words(manager.get(reverse("dunning:limitation-list") + "?within=passed"))
    assert claims[2].number in passed and claims[1].number not in passed
    rows = csv_rows(manager.get(reverse("dunning:limitation-export", args=["csv"])))
    assert [row[3] for row in rows[1:]] == [
        claims[2].number,
        claims[1].number,
        claims[3].number,
        claims[0].number,
    ]
    assert manager.get(reverse("dunning:limitation-export", args=["pdf"])).status_code == 404


def test_the_list_asks_as_many_questions_whatever_its_length(manager, item) -> None:
    base = add_months(TODAY, -60)

    def questions() -> int:
        with counting() as count:
            assert manager.get(reverse("dunning:limitation-list")).status_code == 200
            return count()

    make_item(item.customer, "50.00", base)
    questions()
    few = questions()
    for n in range(12):
        make_item(make_customer(item.legal_entity), "50.00", base + timedelta(days=n))
    assert questions() == few


def test_no_parameter_breaks_the_lists(manager, item) -> None:
    make_item(item.customer, "50.00", add_months(TODAY, -60))
    assert_no_server_error(
        manager, reverse("dunning:limitation-list"), ("within", "entity", "q", "kind", "min_amount", "cursor")
    )
    assert_no_server_error(manager, reverse("dunning:waiver-list"), ("cursor",))
    assert (
        manager.get(reverse("dunning:limitation-export", args=["csv"]) + "?min_amount=x").status_code == 302
    )


def test_others_look_and_do_nothing(make_user, sign_in, item) -> None:
    accountant = sign_in(make_user(Role.ACCOUNTANT))
    shown = panel(accountant, item)
    assert "Remettre des pénalités" not in shown and "Enregistrer un acte" not in shown
    for name in ("waiver-create", "limitation-record"):
        assert accountant.get(reverse(f"dunning:{name}", args=[item.pk])).status_code == 403


def test_out_of_scope_is_not_found(manager, item, make_user, sign_in) -> None:
    credit = make_item(item.customer, "-5.00", TODAY)
    for pk in (credit.pk, 999_999_999):
        assert manager.get(reverse("dunning:item-law", args=[pk])).status_code == 404
        assert manager.post(reverse("dunning:waiver-create", args=[pk]), {}).status_code == 404
    for name in ("waiver-revoke", "limitation-end", "limitation-withdraw", "limitation-evidence"):
        assert manager.get(reverse(f"dunning:{name}", args=[999])).status_code == 404
