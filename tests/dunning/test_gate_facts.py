"""The gate sees the same of a notice alone as among all others, in every situation that books may be in."""

import random
from datetime import timedelta

import pytest

from core.rights import SYSTEM
from dunning.gate import delay, obstacles
from dunning.gate_facts import notices_now
from dunning.models import DunningSettings, DunningStop, Notice
from dunning.operations.runs import dun
from invoices.models import BankLine, MatchProposal, OpenItem, PayerAlias, Promise
from tests.dunning.factories import NOW, TODAY, load_law, make_entity, make_item
from tests.dunning.generated_books import generate_books
from tests.dunning.test_gate_moment import account_of, receipt, statement_of

pytestmark = pytest.mark.django_db


def disturb(draw: random.Random, notices: list[Notice]) -> None:
    """What people and the bank do between a run and its sending."""
    entity = notices[0].legal_entity
    account = account_of(entity, closed_on=TODAY - timedelta(days=draw.choice([0, 5])))
    if draw.random() < 0.5:
        DunningSettings.objects.create(legal_entity=entity, bank_freshness_days=2)
        statement_of(account_of(entity, name="Autre banque"), TODAY)
    if draw.random() < 0.3:
        DunningStop.objects.create(
            legal_entity=draw.choice([None, entity, make_entity()]), reason="x", stopped_at=NOW
        )
    for notice in notices:
        item = draw.choice([line.item for line in notice.lines.all() if line.rank])
        what = draw.random()
        if what < 0.1:
            OpenItem.objects.filter(pk=item.pk).update(
                open_amount=item.open_amount // 2, is_factored=what < 0.05
            )
        elif what < 0.2 and not item.promises.filter(status="OPEN").exists():
            Promise.objects.create(item=item, amount="7.50", promised_date=TODAY, made_on=TODAY)
        elif what < 0.3:
            make_item(notice.customer, "-12.00", TODAY, currency=draw.choice(["EUR", "GBP"]))
        elif what < 0.4:
            _money_of(notice, receipt(account, counterparty_iban=f"DE{notice.pk:020d}"), known=what < 0.35)
        elif what < 0.5:
            Notice.objects.filter(pk=notice.pk, status="APPROVED").update(status="SENDING")


def _money_of(notice: Notice, line: BankLine, *, known: bool) -> None:
    if known:
        PayerAlias.objects.get_or_create(
            legal_entity=notice.legal_entity, customer=notice.customer, kind="IBAN", value=line.counterparty_iban,
            learned_on=TODAY, last_used_on=TODAY,
        )  # fmt: skip
    else:
        MatchProposal.objects.create(
            bank_line=line,
            customer=notice.customer,
            rank=1,
            rule="EXACT",
            score=70,
            amount=line.amount,
            created_at=NOW,
        )


@pytest.mark.parametrize("seed", range(6))
def test_one_notice_is_seen_as_many_are(seed: int) -> None:
    load_law()
    draw = random.Random(seed)
    entity = make_entity()
    generate_books(entity, draw)
    dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    notices = list(Notice.objects.order_by("pk"))
    disturb(draw, [notice for notice in notices if notice.legal_entity == entity])
    now = NOW + timedelta(hours=draw.choice([0, 13]))
    for leaving_at in (None, now):
        together = notices_now(notices, today=TODAY, leaving_at=leaving_at)
        assert together == {
            notice.pk: notices_now([notice], today=TODAY, leaving_at=leaving_at)[notice.pk]
            for notice in notices
        }
    # The books are worth looking at: some stay behind, some wait, some leave.
    held = [pk for pk, facts in together.items() if obstacles(facts)]
    assert 0 < len(held) < len(notices)
    assert any(facts.has_unmatched_receipt for facts in together.values())
    assert any(facts.is_stopped or delay(facts, now=now) is None for facts in together.values())
