"""What goes with a letter: the account's statement, the kept invoices, and the letters of every language."""

import hashlib
import io
from datetime import timedelta
from decimal import Decimal

import pdfplumber
import pytest

from core.files import read_file, store_file
from core.legal import register
from core.rights import SYSTEM
from dunning import letter_enclosures
from dunning.letter_context import LetterFacts, letter_context
from dunning.letter_enclosures import copies_of, enclosed_files
from dunning.letters.context import LetterContext, LetterKind
from dunning.letters.copies import with_copies
from dunning.letters.render import render_pdf
from dunning.models import Letter, Level, Notice
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from invoices.models import OpenItem
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, make_policy
from tests.dunning.letter_samples import LOGO, make_context

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7 the invoice as it was sent"


@pytest.fixture
def entity():
    load_law()
    entity = make_entity()
    policy = make_policy(entity)
    Level.objects.filter(policy=policy).update(attaches_statement=True, attaches_invoices=True)
    return entity


def kept_pdf(item: OpenItem, content: bytes = PDF, content_type: str = "application/pdf") -> OpenItem:
    item.document = store_file(
        content=content, name="facture.pdf", kind="invoices.invoice", content_type=content_type, now=NOW
    )
    item.save(update_fields=["document"])
    return item


def chased(entity, customer) -> Notice:
    run = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    return Notice.objects.select_related("legal_entity__logo", "customer", "level").get(
        run=run.run_id, customer=customer
    )


def context_of(notice: Notice) -> LetterContext:
    return letter_context(notice, facts=LetterFacts(register()), today=TODAY)


def test_statement_and_copies_go_with_the_letter(entity) -> None:
    customer = make_customer(entity)
    late = kept_pdf(make_item(customer, "900.00", TODAY - timedelta(days=9), number="FA/1"))
    coming = make_item(customer, "400.00", TODAY + timedelta(days=9))
    receipt = make_item(customer, "-100.00", TODAY)
    notice = chased(entity, customer)
    context = context_of(notice)
    assert {line.number for line in context.statement} == {late.number, coming.number, receipt.number}
    assert sum(line.open_amount for line in context.statement) == Decimal("1200.00")
    assert [copy.name for copy in context.enclosures] == ["FA-1.pdf"]
    assert context.attachments == ("relevé de compte", "copie de FA-1")
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    sent = Letter.objects.get(notice=notice)
    assert [(file.name, file.content) for file in enclosed_files(sent)] == [("FA-1.pdf", PDF)]
    assert sent.context["enclosures"][0]["sha256"] == hashlib.sha256(PDF).hexdigest()
    # A document changed afterwards changes nothing of what went with the letter.
    kept_pdf(late, b"%PDF-1.7 another")
    assert enclosed_files(sent)[0].content == PDF


def test_only_kept_pdfs_are_copied_and_never_more_than_a_mail_takes(entity, monkeypatch) -> None:
    monkeypatch.setattr(letter_enclosures, "MOST_BYTES", len(PDF))
    customer = make_customer(entity)
    kept_pdf(make_item(customer, "900.00", TODAY - timedelta(days=30)), b"<xml/>", "application/xml")
    make_item(customer, "900.00", TODAY - timedelta(days=29))
    kept_pdf(make_item(customer, "900.00", TODAY - timedelta(days=28), number="A"))
    kept_pdf(make_item(customer, "900.00", TODAY - timedelta(days=27), number="B"), PDF + b"b")
    kept_pdf(make_item(customer, "900.00", TODAY - timedelta(days=26), number="C"), PDF + b"c")
    notice = chased(entity, customer)
    lines = notice.lines.select_related("item__document").order_by("item__due_date")
    assert [copy.name for copy in copies_of(lines, on_paper=False)] == ["A.pdf"]


def test_on_paper_the_copies_are_pages_behind_the_letter(entity) -> None:
    Level.objects.filter(kind=Level.Kind.REMINDER).update(channel=Level.Channel.LETTER)
    customer = make_customer(entity)
    invoice = render_pdf(make_context(LetterKind.REMINDER), logo=LOGO)
    kept_pdf(make_item(customer, "900.00", TODAY - timedelta(days=9), number="FA-1"), invoice)
    # What is no PDF cannot be printed, so the letter does not announce it.
    kept_pdf(make_item(customer, "100.00", TODAY - timedelta(days=8), number="FA-2"), b"%PDF-1.7 broken")
    notice = chased(entity, customer)
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    sent = Letter.objects.get(notice=notice)
    assert sent.context["attachments"] == ["relevé de compte", "copie de FA-1"]
    with pdfplumber.open(io.BytesIO(read_file(sent.file))) as pdf:
        pages = [page.extract_text() for page in pdf.pages]
    assert "FA-1" in pages[0]
    assert "Établissements Chaumeil-Vauquelin" in pages[-1]
    context = context_of(notice)
    assert with_copies(render_pdf(context), [invoice]) == with_copies(render_pdf(context), [invoice])


def test_a_level_that_joins_nothing_joins_nothing(entity) -> None:
    Level.objects.update(attaches_statement=False, attaches_invoices=False)
    customer = make_customer(entity)
    kept_pdf(make_item(customer, "900.00", TODAY - timedelta(days=9)))
    context = context_of(chased(entity, customer))
    assert (context.statement, context.enclosures, context.attachments) == ((), (), ())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "Zahlungserinnerung"),
        ("es", "pago pendiente"),
        ("it", "pagamento in sospeso"),
        ("en", "payment outstanding"),
    ],
)
def test_a_customer_is_written_to_in_his_language(entity, language, words) -> None:
    customer = make_customer(entity, language=language)
    make_item(customer, "900.00", TODAY - timedelta(days=9))
    notice = chased(entity, customer)
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], today=TODAY, now=NOW)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    sent = Letter.objects.get(notice=notice)
    assert sent.context["language"] == language
    assert words in sent.context["template"]["subject"]


def test_before_the_due_date_the_last_one_is_asked_for(entity) -> None:
    customer = make_customer(entity)
    make_item(customer, "900.00", TODAY - timedelta(days=9))
    notice = chased(entity, customer)
    item = notice.lines.get().item
    notice.level = Level(kind=Level.Kind.PRE_REMINDER, channel=Level.Channel.EMAIL)
    OpenItem.objects.filter(pk=item.pk).update(due_date=TODAY + timedelta(days=6))
    context = context_of(notice)
    assert context.pay_by == TODAY + timedelta(days=6)
    assert not context.totals.interest
