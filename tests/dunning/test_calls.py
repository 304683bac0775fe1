"""Telephone calls: opened after a last look, recorded with their outcome, made again, given up."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from core.errors import NotAllowed
from core.models import Role
from core.rights import SYSTEM
from customers.models import Contact
from dunning.call_reads import calls_to_make, calls_waiting, fruitless_calls, numbers_of, script_of, tel
from dunning.call_words import script_faults, spoken
from dunning.models import Call, Delivery, DunningStop, Level, Notice
from dunning.operations.calls import CallRefused, give_up_call, open_call, record_call
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from invoices.models import OpenItem, Promise
from invoices.operations.promises import PromiseRefused
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item
from tests.dunning.post_house import paper_policy

pytestmark = pytest.mark.django_db
TOLD = {"actor": SYSTEM, "today": TODAY, "now": NOW}


@pytest.fixture
def call() -> Notice:
    """One approved call about two items."""
    load_law()
    entity = make_entity()
    paper_policy(entity, Level.Channel.PHONE)
    customer = make_customer(entity)
    Contact.objects.filter(customer=customer).update(phone="04 76 00 11 22")
    make_item(customer, "1200.00", TODAY - timedelta(days=10))
    make_item(customer, "300.00", TODAY - timedelta(days=7))
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    notice = Notice.objects.get(run=planned.run_id)
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)
    notice.refresh_from_db()
    assert notice.status == Notice.Status.APPROVED
    return notice


@pytest.mark.parametrize("outcome", [Call.Outcome.REACHED, Call.Outcome.DISPUTED, Call.Outcome.PAID])
def test_somebody_who_was_told_proves_the_step(call, outcome: str) -> None:
    record_call(notice_id=call.pk, outcome=outcome, spoke_to="Mme Roux", phone="04 76 00 11 22", **TOLD)
    call.refresh_from_db()
    assert (call.status, call.sent_on) == (Notice.Status.SENT, TODAY)
    delivery = Delivery.objects.get()
    assert (delivery.channel, delivery.status) == ("PHONE", Delivery.Status.SENT)
    with pytest.raises(CallRefused):
        record_call(notice_id=call.pk, outcome=outcome, **TOLD)
    assert Call.objects.count() == 1


def test_a_promise_lies_on_the_oldest_items_first(call) -> None:
    day = TODAY + timedelta(days=5)
    record_call(
        notice_id=call.pk, outcome="PROMISED", promised_amount=Decimal("1300.00"), promised_date=day, **TOLD
    )
    promises = list(Promise.objects.order_by("item__due_date").values_list("amount", "promised_date"))
    assert promises == [(Decimal("1200.00"), day), (Decimal("100.00"), day)]
    call.refresh_from_db()
    assert call.status == Notice.Status.SENT


@pytest.mark.parametrize(
    ("amount", "days", "field"),
    [("1500.01", 5, "promised_amount"), ("0", 5, "promised_amount"), ("10.001", 5, "promised_amount")],
)
def test_a_promise_that_cannot_be_is_refused_and_nothing_is_written(call, amount, days, field) -> None:
    with pytest.raises(CallRefused) as refused:
        record_call(
            notice_id=call.pk, outcome="PROMISED", promised_amount=Decimal(amount),
            promised_date=TODAY + timedelta(days=days), **TOLD,
        )  # fmt: skip
    assert refused.value.field == field
    with pytest.raises(PromiseRefused):
        record_call(
            notice_id=call.pk, outcome="PROMISED", promised_amount=Decimal("10"),
            promised_date=TODAY - timedelta(days=1), **TOLD,
        )  # fmt: skip
    assert not Promise.objects.exists() and not Call.objects.exists()
    call.refresh_from_db()
    assert call.status == Notice.Status.APPROVED


def test_nobody_reached_is_called_again_and_a_person_is_told_after_three_tries(call, settings) -> None:
    now, today = NOW, TODAY
    for outcome in (Call.Outcome.NO_ANSWER, Call.Outcome.MESSAGE_LEFT, Call.Outcome.WRONG_NUMBER):
        assert not fruitless_calls(SYSTEM).exists()
        record_call(actor=SYSTEM, notice_id=call.pk, outcome=outcome, today=today, now=now)
        assert not calls_to_make(SYSTEM, now).exists()
        assert calls_waiting(SYSTEM, now).get().pk == call.pk
        now, today = now + timedelta(days=4), today + timedelta(days=4)
        assert calls_to_make(SYSTEM, now).get().pk == call.pk
    assert fruitless_calls(SYSTEM).get().tries == 3
    call.refresh_from_db()
    assert (call.status, call.sent_on) == (Notice.Status.APPROVED, None)
    with pytest.raises(CallRefused):
        give_up_call(actor=SYSTEM, notice_id=call.pk, reason=" ", now=now)
    give_up_call(actor=SYSTEM, notice_id=call.pk, reason="injoignable", now=now)
    call.refresh_from_db()
    assert (call.status, call.reason) == (Notice.Status.FAILED, "injoignable")
    assert not fruitless_calls(SYSTEM).exists()


def test_called_again_on_a_day_of_ones_own(call) -> None:
    with pytest.raises(CallRefused, match="passée"):
        record_call(notice_id=call.pk, outcome="NO_ANSWER", call_again_on=TODAY - timedelta(days=1), **TOLD)
    with pytest.raises(CallRefused, match="60 jours"):
        record_call(notice_id=call.pk, outcome="NO_ANSWER", call_again_on=TODAY + timedelta(days=61), **TOLD)
    record_call(notice_id=call.pk, outcome="NO_ANSWER", call_again_on=TODAY, **TOLD)
    assert calls_to_make(SYSTEM, NOW).exists()


def test_paid_meanwhile_the_call_leaves_the_list_with_a_sentence(call) -> None:
    assert open_call(notice_id=call.pk, **TOLD).gone == ""
    OpenItem.objects.filter(customer=call.customer).update(open_amount=Decimal("0.00"))
    opened = open_call(notice_id=call.pk, **TOLD)
    assert "N’appelez pas" in opened.gone and "le solde de la pièce a changé" in opened.gone
    call.refresh_from_db()
    assert call.status == Notice.Status.HELD
    assert not calls_to_make(SYSTEM, NOW).exists()


def test_a_stop_keeps_calls_back(call) -> None:
    stop = DunningStop.objects.create(reason="essai", stopped_at=NOW)
    assert not calls_to_make(SYSTEM, NOW).exists()
    assert "arrêtées" in open_call(notice_id=call.pk, **TOLD).gone
    stop.lifted_at = NOW
    stop.save()
    assert open_call(notice_id=call.pk, **TOLD).gone == ""


def test_opening_a_call_that_waits_keeps_it_waiting(call) -> None:
    record_call(notice_id=call.pk, outcome="NO_ANSWER", call_again_on=TODAY + timedelta(days=3), **TOLD)
    assert open_call(notice_id=call.pk, **TOLD).gone == ""
    assert calls_waiting(SYSTEM, NOW).exists()


def test_who_may_not_call_may_not(call, make_user) -> None:
    user = make_user(Role.ACCOUNTANT)
    with pytest.raises(NotAllowed):
        record_call(actor=user, notice_id=call.pk, outcome="REACHED", today=TODAY, now=NOW)
    stranger = make_user(Role.CREDIT_MANAGER, email="loin@example.test", sees=[make_entity()])
    with pytest.raises(CallRefused):
        record_call(actor=stranger, notice_id=call.pk, outcome="REACHED", today=TODAY, now=NOW)
    assert not Call.objects.exists()


def test_the_script_says_the_customers_values(call) -> None:
    contacts = numbers_of(call.customer_id)
    call = Notice.objects.select_related("customer", "legal_entity", "level").get(pk=call.pk)
    told = " ".join(script_of(call, contacts, []))
    assert call.legal_entity.name in told and "1\u202f500,00" in told and "2 pièces" in told
    assert script_faults("Bonjour {{ inconnu }}") != []
    assert script_faults("Bonjour {{ client.nom }}") == []
    assert spoken("{{ cassé", {}, {}) == ["{{ cassé"]
    assert tel("+33 (0)4 76 00") == "+33047600" and tel("standard") == ""


def test_the_pages_of_a_call(call, make_user, sign_in) -> None:
    client = sign_in(make_user(Role.CREDIT_MANAGER))
    page = client.get(reverse("dunning:call-list"))
    assert "tel:0476001122" in page.content.decode()
    url = reverse("dunning:call-detail", args=[call.pk])
    page = client.get(url).content.decode()
    assert "tel:0476001122" in page and call.customer.name in page
    refused = client.post(url, {"outcome": "DISPUTED"})
    assert refused.status_code == 422 and "Choisissez la pièce" in refused.content.decode()
    assert client.post(url, {"outcome": "X" * 300, "call_again_on": "hier"}).status_code == 422
    item = call.lines.order_by("pk").first().item_id
    answer = client.post(url, {"outcome": "DISPUTED", "disputed_item": str(item), "phone": "1"})
    assert answer.headers["Location"] == reverse("invoices:item-dispute", args=[item])
    call.refresh_from_db()
    assert call.status == Notice.Status.SENT
    gone = client.get(url, follow=True).content.decode()
    assert "n’est plus à passer" in gone
    assert client.get(reverse("dunning:call-detail", args=[10**9])).status_code == 404


def test_a_script_that_cannot_be_read_is_refused_where_it_is_written(call) -> None:
    from dunning.forms_policies import LevelForm

    form = LevelForm({"call_script": "Bonjour {{ nom_du_chat }}"}, instance=call.level)
    assert "Ligne 1" in str(form.errors["call_script"])
    assert (
        "call_script"
        not in LevelForm({"call_script": "Bonjour {{ client.nom }}"}, instance=call.level).errors
    )
