"""Life-cycle statuses: the effect of each, once, in the order of their instants, and their refusals."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import InternalError, transaction

from core.errors import NotAllowed
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from invoices.einvoice_statuses import STATUSES, Effect, Reason, ReceivedStatus
from invoices.models import Dispute, EInvoiceStatus, OpenItem, Promise
from invoices.operations.disputes import open_dispute
from invoices.operations.einvoice_statuses import (
    Recorded,
    StatusRefused,
    attach_waiting_statuses,
    record_statuses,
    sweep_waiting_statuses,
)
from tests.customers.factories import CustomerFactory
from tests.invoices.factories import CreditNoteFactory, OpenItemFactory

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AT = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def status(number: str, code: str, *, hours: int = 0, **fields: object) -> ReceivedStatus:
    reason = fields.pop("reason", "")
    if reason:
        fields["reasons"] = (Reason(str(reason), "Motif dit"),)
    return ReceivedStatus(number=number, code=code, occurred_at=AT + timedelta(hours=hours), **fields)  # type: ignore[arg-type]


def receive(item: OpenItem, *statuses: ReceivedStatus, actor: object = SYSTEM) -> Recorded:
    return record_statuses(
        actor=actor,  # type: ignore[arg-type]
        entity=item.legal_entity,
        statuses=statuses,
        now=NOW,
        today=TODAY,
    )


def world() -> list[list[tuple[object, ...]]]:
    models = (OpenItem, Dispute, Promise, EInvoiceStatus, AuditEvent)
    return [list(model.objects.order_by("pk").values_list()) for model in models]


def the_dispute(item: OpenItem) -> Dispute:
    return Dispute.objects.get(item=item, resolved_on__isnull=True)


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_each_status_is_kept_with_its_effect_and_shown_on_the_item(code: str) -> None:
    item = OpenItemFactory()
    receive(item, status(item.number, code))
    item.refresh_from_db()
    kept = EInvoiceStatus.objects.get()
    assert (kept.item, kept.code, item.einvoice_status) == (item, code, code)
    expected = STATUSES[code][2]
    if code == "209":
        expected = Effect.NOTED  # nothing was suspended
    if code == "228":
        expected = Effect.ALREADY_SO
    assert kept.effect == expected
    disputed = code in ("206", "207", "208", "210", "213", "220", "221", "501")
    assert item.disputed_amount == (item.open_amount if disputed else 0)
    assert item.is_factored is (code in ("225", "226"))
    assert Promise.objects.exists() is (code == "211")


@pytest.mark.parametrize(
    ("code", "given", "expected"),
    [
        ("207", "PU_ERR", "PU_ERR"),
        ("210", "DOUBLON", "DOUBLON"),
        ("207", "", "AUTRE"),
        ("207", "MOTIF_INCONNU", "AUTRE"),
        ("208", "", "JUSTIF_ABS"),
        ("213", "REJ_UNI", "NON_TRANSMISE"),
        ("220", "", "NON_TRANSMISE"),
        ("501", "IRR_VIDE_F", "NON_TRANSMISE"),
        ("221", "", "ROUTAGE_ERR"),
    ],
)
def test_the_reason_of_the_status_is_the_reason_of_the_dispute(code: str, given: str, expected: str) -> None:
    item = OpenItemFactory()
    receive(item, status(item.number, code, reason=given, note="Voir le bon 12"))
    dispute = the_dispute(item)
    assert (dispute.reason, dispute.origin, dispute.amount) == (expected, "EINVOICE", item.open_amount)
    assert f"Statut {code}" in dispute.note and "Voir le bon 12" in dispute.note


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ({"MNATTC": "120.00", "MAPTTC": "1080.00"}, "120.00"),
        ({"MAPTTC": "1000.00"}, "200.00"),
        ({"MNA": "100.00"}, "120.00"),  # without VAT: the invoice bears 20 %
        ({"MAP": "900.00"}, "120.00"),
        ({"MNATTC": "9999.00"}, "1200.00"),
        ({}, "1200.00"),
    ],
)
def test_a_part_approved_leaves_only_the_other_part_in_dispute(
    amounts: dict[str, str], expected: str
) -> None:
    item = OpenItemFactory(vat_amount=Decimal("200.00"))
    receive(
        item,
        status(
            item.number,
            "206",
            amounts={kind: Decimal(amount) for kind, amount in amounts.items()},
            currency="EUR",
        ),
    )
    assert the_dispute(item).amount == Decimal(expected)


def test_amounts_in_another_currency_are_no_measure_of_the_part() -> None:
    item = OpenItemFactory()
    receive(item, status(item.number, "206", amounts={"MNATTC": Decimal("10.00")}, currency="USD"))
    assert the_dispute(item).amount == item.open_amount


def test_a_part_approved_to_the_cent_contests_nothing() -> None:
    item = OpenItemFactory()
    receive(item, status(item.number, "206", amounts={"MNATTC": Decimal(0)}))
    assert EInvoiceStatus.objects.get().effect == Effect.APPROVED
    assert not Dispute.objects.exists()


def test_the_part_refused_of_an_invoice_in_instalments_lies_on_the_last_ones() -> None:
    first = OpenItemFactory(number="FA-9", total_amount=Decimal("600.00"))
    last = OpenItemFactory(
        customer=first.customer, number="FA-9", instalment=2, total_amount=Decimal("600.00")
    )
    receive(first, status("FA-9", "206", amounts={"MNATTC": Decimal("700.00")}))
    assert (the_dispute(last).amount, the_dispute(first).amount) == (Decimal(600), Decimal(100))
    last.refresh_from_db()
    assert last.einvoice_status == "206"


def test_completed_resolves_what_was_suspended_and_only_that() -> None:
    suspended, contested = OpenItemFactory(), OpenItemFactory()
    contested_entity = contested.legal_entity
    receive(suspended, status(suspended.number, "208"), status(suspended.number, "209", hours=5))
    dispute = Dispute.objects.get(item=suspended)
    assert (dispute.resolved_on, dispute.resolution) == (TODAY, "DOCUMENT_SENT")
    suspended.refresh_from_db()
    assert suspended.disputed_amount == 0
    record_statuses(
        actor=SYSTEM,
        entity=contested_entity,
        statuses=[status(contested.number, "207"), status(contested.number, "209", hours=5)],
        now=NOW,
        today=TODAY,
    )
    assert the_dispute(contested).amount == contested.open_amount


def test_approved_closes_what_a_status_opened_but_not_what_a_person_did() -> None:
    ours, theirs = OpenItemFactory(), OpenItemFactory()
    open_dispute(actor=SYSTEM, item_id=theirs.pk, amount=Decimal(50), reason="PU_ERR", today=TODAY, now=NOW)
    receive(ours, status(ours.number, "207"), status(ours.number, "205", hours=1))
    receive(theirs, status(theirs.number, "205"))
    assert Dispute.objects.get(item=ours).resolution == "UPHELD"
    assert the_dispute(theirs).amount == Decimal(50)


def test_refused_after_a_part_approved_contests_the_whole() -> None:
    item = OpenItemFactory()
    receive(item, status(item.number, "206", amounts={"MNATTC": Decimal(100)}))
    receive(item, status(item.number, "210", hours=2, reason="DOUBLON"))
    dispute = the_dispute(item)
    assert (dispute.amount, dispute.reason) == (item.open_amount, "DOUBLON")
    item.refresh_from_db()
    assert item.disputed_amount == item.open_amount


def test_a_persons_dispute_keeps_its_reason_and_grows_to_what_is_refused() -> None:
    item = OpenItemFactory()
    open_dispute(actor=SYSTEM, item_id=item.pk, amount=Decimal(50), reason="PU_ERR", today=TODAY, now=NOW)
    receive(item, status(item.number, "210", reason="DOUBLON"))
    dispute = the_dispute(item)
    assert (dispute.amount, dispute.reason, dispute.origin) == (item.open_amount, "PU_ERR", "PERSON")


def test_a_status_older_than_one_already_held_has_no_effect() -> None:
    item = OpenItemFactory()
    receive(item, status(item.number, "205", hours=3))
    receive(item, status(item.number, "207"))
    item.refresh_from_db()
    assert item.einvoice_status == "205"
    assert item.disputed_amount == 0
    assert EInvoiceStatus.objects.get(code="207").effect == Effect.SUPERSEDED


def test_a_payment_announced_is_a_promise_and_not_money(settings) -> None:
    settings.EINVOICE_ADVICE_DAYS = 7
    item = OpenItemFactory()
    receive(item, status(item.number, "211", amounts={"MPA": Decimal("500.00")}))
    promise = Promise.objects.get()
    assert (promise.amount, promise.promised_date) == (Decimal(500), date(2026, 11, 27))
    item.refresh_from_db()
    assert item.open_amount == item.total_amount
    receive(item, status(item.number, "211", hours=1))
    assert Promise.objects.count() == 1


def test_a_receivable_goes_to_the_factor_and_comes_back() -> None:
    item = OpenItemFactory()
    receive(item, status(item.number, "226"))
    item.refresh_from_db()
    assert item.is_factored
    receive(item, status(item.number, "228", hours=1))
    item.refresh_from_db()
    assert not item.is_factored
    receive(item, status(item.number, "225"))
    item.refresh_from_db()
    assert not item.is_factored, "an older status does not undo a later one"


def test_nothing_is_contested_on_a_credit_note_or_a_settled_invoice() -> None:
    credit, paid = CreditNoteFactory(), OpenItemFactory(open_amount=Decimal(0))
    for item in (credit, paid):
        receive(item, status(item.number, "210"))
        assert EInvoiceStatus.objects.get(number=item.number).effect == Effect.NOTHING_OPEN
    assert not Dispute.objects.exists()


def test_the_same_status_twice_changes_nothing() -> None:
    item = OpenItemFactory()
    first = receive(item, status(item.number, "207"), status(item.number, "207"))
    before = world()
    again = receive(item, status(item.number, "207"))
    assert (first.created, first.known, again.created, again.known) == (1, 1, 0, 1)
    assert world() == before


def test_a_status_waits_for_its_item_and_acts_when_it_comes() -> None:
    customer = CustomerFactory()
    found = record_statuses(
        actor=SYSTEM,
        entity=customer.legal_entity,
        statuses=[status("FA-TARD", "207", reason="QTE_ERR")],
        now=NOW,
        today=TODAY,
    )
    assert (found.created, found.waiting) == (1, 1)
    assert sweep_waiting_statuses(today=TODAY, now=NOW) == 0
    item = OpenItemFactory(customer=customer, number="FA-TARD")
    assert sweep_waiting_statuses(today=TODAY, now=NOW) == 1
    kept = EInvoiceStatus.objects.get()
    assert (kept.item, kept.effect) == (item, Effect.DISPUTED)
    assert the_dispute(item).reason == "QTE_ERR"
    item.refresh_from_db()
    assert item.einvoice_status == "207"
    before = world()
    assert sweep_waiting_statuses(today=TODAY, now=NOW) == 0
    assert world() == before


def test_what_a_status_says_is_never_changed_and_its_item_is_settled_once() -> None:
    item, other = OpenItemFactory(), OpenItemFactory()
    receive(item, status(item.number, "203"))
    kept = EInvoiceStatus.objects.get()
    for change in ({"note": "autre"}, {"code": "205"}, {"item": other}, {"effect": "NOTED"}):
        with pytest.raises(InternalError), transaction.atomic():
            EInvoiceStatus.objects.filter(pk=kept.pk).update(**change)
    with pytest.raises(InternalError), transaction.atomic():
        kept.delete()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"code": "299"}, "einvoice_status_refused"),
        ({"number": ""}, "einvoice_status_refused"),
        ({"number": "F" * 41}, "einvoice_status_refused"),
        ({"occurred_at": NOW + timedelta(days=3)}, "einvoice_status_refused"),
        ({"seller": "999999999"}, "other_seller"),
    ],
)
def test_one_wrong_status_refuses_them_all(wrong: dict[str, object], code: str) -> None:
    item = OpenItemFactory()
    fields: dict[str, object] = {"number": item.number, "code": "207", "occurred_at": AT} | wrong
    before = world()
    with pytest.raises(StatusRefused) as refused:
        receive(item, status(item.number, "203"), ReceivedStatus(**fields))  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.index) == (code, 1)
    assert world() == before


def test_the_right_and_the_scope_are_checked(make_user) -> None:
    item, elsewhere = OpenItemFactory(), CustomerFactory().legal_entity
    with pytest.raises(NotAllowed):
        receive(item, status(item.number, "207"), actor=make_user(Role.ADMINISTRATOR))
    blind = make_user(Role.ACCOUNTANT, email="loin@example.test", sees=[elsewhere])
    with pytest.raises(StatusRefused):
        receive(item, status(item.number, "207"), actor=blind)
    assert not EInvoiceStatus.objects.exists()
    receive(item, status(item.number, "207"), actor=make_user(Role.API_PARTNER))
    assert the_dispute(item).amount == item.open_amount


def test_a_person_who_sees_a_portfolio_learns_nothing_of_the_others(make_user) -> None:
    item = OpenItemFactory()
    person = make_user(Role.ACCOUNTANT, sees=[item.legal_entity], own_portfolio_only=True)
    assert receive(item, status(item.number, "207"), actor=person).waiting == 1
    assert attach_waiting_statuses(actor=SYSTEM, entity=item.legal_entity, today=TODAY, now=NOW) == 1
    assert the_dispute(item).amount == item.open_amount


def test_thousands_of_statuses_take_few_statements(django_assert_max_num_queries) -> None:
    customer = CustomerFactory()
    items = [OpenItemFactory(customer=customer) for _number in range(20)]
    some = [status(item.number, code) for item in items[:2] for code in ("200", "202", "203")]
    many = [status(item.number, code) for item in items[2:] for code in ("200", "202", "203", "204", "212")]
    for statuses in (some, many):
        with django_assert_max_num_queries(22):
            record_statuses(
                actor=SYSTEM, entity=customer.legal_entity, statuses=statuses, now=NOW, today=TODAY
            )
    assert EInvoiceStatus.objects.count() == len(some) + len(many)


def test_every_status_of_a_known_item_is_told_on_it() -> None:
    item = OpenItemFactory()
    receive(item, status(item.number, "200"), status(item.number, "207"))
    told = AuditEvent.objects.filter(verb="invoices.einvoice_status.received")
    assert [event.data["code"] for event in told.order_by("pk")] == ["200", "207"]
    assert all(f"openitem:{item.pk}" in event.refs for event in told)
