"""What is contested, promised or planned is left out of a notice; the rest of the item is chased."""

import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pypdf
import pytest

from core.files import read_file
from core.legal import register
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Level, Notice, RunExclusion
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from invoices.models import OpenItem
from invoices.operations.disputes import change_dispute, open_dispute, resolve_dispute
from invoices.operations.payment_plans import cancel_plan
from invoices.operations.promises import make_promise
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
    settle,
)
from tests.invoices.plans import SIGNED

pytestmark = pytest.mark.django_db
STEP = {"today": TODAY, "now": NOW}


@pytest.fixture
def late() -> OpenItem:
    """1,200.00 € forty days late, whose first two reminders were sent: the formal notice is next."""
    load_law()
    entity = make_entity()
    policy = make_policy(entity)
    item = make_item(make_customer(entity), "1200.00", TODAY - timedelta(days=40))
    for rank, days_ago in ((1, 30), (2, 20)):
        make_step(item, Level.objects.get(policy=policy, rank=rank), sent_on=TODAY - timedelta(days=days_ago))
    return item


def contest(item: OpenItem, amount: str) -> Any:
    return open_dispute(actor=SYSTEM, item_id=item.pk, amount=Decimal(amount), reason="QTE_ERR", **STEP)


def promise(item: OpenItem, amount: str) -> Any:
    return make_promise(
        actor=SYSTEM, item_id=item.pk, amount=Decimal(amount), promised_date=TODAY + timedelta(days=9), **STEP
    )


def plan_run(item: OpenItem) -> Notice | None:
    run = dun(actor=SYSTEM, legal_entity=item.legal_entity, as_of=TODAY, now=NOW)
    return Notice.objects.filter(run=run.run_id).first()


def rendered(notice: Notice) -> Notice:
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], **STEP)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), **STEP)
    notice.refresh_from_db()
    return notice


def test_the_letter_asks_for_the_rest_and_says_what_is_in_dispute(late: OpenItem) -> None:
    contest(late, "300.00")
    promise(late, "100.00")
    notice = plan_run(late)
    assert notice is not None
    (line,) = notice.lines.all()
    assert (line.open_amount, line.disputed_amount, line.promised_amount) == (
        Decimal("800.00"), Decimal("300.00"), Decimal("100.00")
    )  # fmt: skip
    assert notice.open_amount == Decimal("800.00")
    whole = plan_interest_of_whole(late)
    assert Decimal(0) < line.interest_amount < whole
    assert rendered(notice).status == Notice.Status.RENDERED
    pages = pypdf.PdfReader(io.BytesIO(read_file(notice.letter.file))).pages
    text = " ".join("".join(page.extract_text() for page in pages).replace("\u202f", " ").split())
    assert "solde 1 200,00 dont 300,00 en litige, 100,00 promis" in text
    assert "800,00" in text


def plan_interest_of_whole(item: OpenItem) -> Decimal:
    """At most 13 % a year of the whole over forty days: a bound, not the figure."""
    return (item.total_amount * Decimal("0.13") * 40 / 365).quantize(Decimal("0.01"))


def test_a_whole_dispute_or_promise_leaves_the_item_alone(late: OpenItem) -> None:
    contest(late, "900.00")
    promise(late, "300.00")
    assert plan_run(late) is None
    assert RunExclusion.objects.get().reason == "PROMISED"


@pytest.mark.parametrize("change", ["opened", "raised", "resolved", "promised", "planned"])
def test_the_gate_holds_what_changed_since_the_run(late: OpenItem, change: str) -> None:
    dispute = None if change in ("opened", "planned", "promised") else contest(late, "300.00")
    notice = plan_run(late)
    assert notice is not None
    if change == "opened":
        contest(late, "10.00")
    elif change == "raised":
        change_dispute(
            actor=SYSTEM, dispute_id=dispute.pk, amount=Decimal("301.00"), reason=dispute.reason, owner=None,
            deadline=dispute.deadline, note="", **STEP,
        )  # fmt: skip
    elif change == "resolved":
        resolve_dispute(actor=SYSTEM, dispute_id=dispute.pk, outcome="Avoir émis", **STEP)
    elif change == "promised":
        promise(late, "10.00")
    else:
        planned(late)
    assert rendered(notice).status == Notice.Status.HELD


def planned(item: OpenItem) -> Any:
    from invoices.operations.payment_plans import draft_plan, start_plan, submit_plan
    from invoices.plan_rules import equal_instalments

    plan = draft_plan(
        actor=SYSTEM, customer_id=item.customer_id, item_ids=[item.pk],
        instalments=equal_instalments(item.open_amount, 3, TODAY + timedelta(days=10)), **STEP,
    )  # fmt: skip
    submit_plan(actor=SYSTEM, plan_id=plan.pk, **STEP)
    return start_plan(actor=SYSTEM, plan_id=plan.pk, content=io.BytesIO(SIGNED), name="a.pdf", **STEP)


def test_a_plan_in_force_keeps_its_items_from_being_chased_until_it_ends(late: OpenItem) -> None:
    plan = planned(late)
    assert plan_run(late) is None
    assert RunExclusion.objects.get().reason == "PLANNED"
    cancel_plan(actor=SYSTEM, plan_id=plan.pk, reason="Rompu", **STEP)
    assert plan_run(late) is not None


def test_what_was_promised_and_has_come_is_no_longer_left_out(late: OpenItem) -> None:
    promise(late, "500.00")
    settle(late, make_item(late.customer, "-200.00", TODAY), "200.00", TODAY)
    notice = plan_run(late)
    assert notice is not None
    line = notice.lines.get(rank=3)
    assert (line.open_amount, line.promised_amount) == (Decimal("700.00"), Decimal("300.00"))
