"""The words of letters: drafted, submitted, approved by another person, and taken by the letters made afterwards."""

import dataclasses
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from core.errors import BusinessError, NotAllowed, WrongState
from core.legal import register
from core.models import AuditEvent, Role
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts, letter_context
from dunning.letters.context import LetterContextError, LetterKind
from dunning.letters.default_templates import default_template
from dunning.models import Letter, Letterhead, LetterTemplate, Notice
from dunning.operations.letter_templates import (
    SamePerson,
    TemplateChanged,
    TemplateRefused,
    Texts,
    approve_template,
    discard_template,
    draft_template,
    retire_template,
    return_template,
    save_template,
    submit_template,
)
from dunning.operations.letter_texts import LetterTextRefused, edit_letter
from dunning.operations.letterheads import set_letterhead
from dunning.operations.letters import render_next
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from tests.dunning.factories import NOW, TODAY, load_law, make_customer, make_entity, make_item, make_policy

pytestmark = pytest.mark.django_db

WHEN = {"today": TODAY, "now": NOW}


@pytest.fixture
def author(make_user):
    return make_user(Role.CREDIT_MANAGER)


@pytest.fixture
def other(make_user):
    return make_user(Role.ADMINISTRATOR)


@pytest.fixture
def entity():
    load_law()
    return make_entity()


def draft(author, entity=None, language="fr", kind="REMINDER") -> LetterTemplate:
    return draft_template(actor=author, code=kind, kind=kind, language=language, legal_entity=entity, now=NOW)


def texts_of(template, **changes) -> Texts:
    return dataclasses.replace(
        Texts(
            name=template.name,
            subject=template.subject,
            body=template.body,
            email_body=template.email_body,
            sms_body=template.sms_body,
        ),
        **changes,
    )


def written(author, template, **changes) -> LetterTemplate:
    return save_template(
        actor=author,
        template_id=template.pk,
        texts=texts_of(template, **changes),
        read_at=template.updated_at,
        now=NOW + timedelta(minutes=1),
    )


def in_service(author, other, entity=None, **changes) -> LetterTemplate:
    template = written(author, draft(author, entity), **changes)
    submit_template(actor=author, template_id=template.pk, **WHEN)
    return approve_template(actor=other, template_id=template.pk, **WHEN)


def notice_of(entity) -> Notice:
    make_policy(entity)
    make_item(make_customer(entity), "900.00", TODAY - timedelta(days=9))
    run = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    return Notice.objects.select_related("legal_entity__logo", "customer", "level").get(run=run.run_id)


def printed(notice) -> Letter:
    approve_notices(actor=SYSTEM, notice_ids=[notice.pk], **WHEN)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), **WHEN)
    return Letter.objects.get(notice=notice)


def test_a_draft_begins_with_what_serves(author, other) -> None:
    first = draft(author)
    assert first.body == default_template(LetterKind.REMINDER, "fr").body
    assert (first.version, first.status) == (1, "DRAFT")
    submit_template(actor=author, template_id=written(author, first, subject="Votre compte").pk, **WHEN)
    approve_template(actor=other, template_id=first.pk, **WHEN)
    second = draft(author)
    assert (second.version, second.subject) == (2, "Votre compte")


def test_one_version_in_work_at_a_time(author) -> None:
    draft(author)
    with pytest.raises(WrongState, match="déjà en préparation"):
        draft(author)
    assert LetterTemplate.objects.count() == 1


def test_nobody_approves_what_he_submitted(author) -> None:
    template = draft(author)
    submit_template(actor=author, template_id=template.pk, **WHEN)
    with pytest.raises(SamePerson):
        approve_template(actor=author, template_id=template.pk, **WHEN)
    with pytest.raises(SamePerson):
        approve_template(actor=SYSTEM, template_id=template.pk, **WHEN)
    template.refresh_from_db()
    assert template.status == "SUBMITTED"
    with pytest.raises(IntegrityError), transaction.atomic():
        LetterTemplate.objects.filter(pk=template.pk).update(approved_by=author)


def test_a_fault_keeps_a_text_from_being_submitted(author) -> None:
    template = written(author, draft(author), body="Payez {{ totl }}.")
    with pytest.raises(TemplateRefused) as refusal:
        submit_template(actor=author, template_id=template.pk, **WHEN)
    assert any("« total »" in finding.message for finding in refusal.value.findings)
    template.refresh_from_db()
    assert template.status == "DRAFT"


def test_two_people_do_not_write_over_each_other(author, other) -> None:
    template = draft(author)
    read_at = template.updated_at
    written(author, template, subject="Un")
    with pytest.raises(TemplateChanged):
        save_template(
            actor=other,
            template_id=template.pk,
            texts=texts_of(template, subject="Deux"),
            read_at=read_at,
            now=NOW,
        )
    template.refresh_from_db()
    assert template.subject == "Un"


def test_a_submitted_text_goes_back_to_its_author(author, other) -> None:
    template = draft(author)
    submit_template(actor=author, template_id=template.pk, **WHEN)
    with pytest.raises(BusinessError, match="reprendre"):
        return_template(actor=other, template_id=template.pk, reason=" ", now=NOW)
    back = return_template(actor=other, template_id=template.pk, reason="Ton trop sec", now=NOW)
    assert (back.status, back.submitted_by) == ("DRAFT", None)
    event = AuditEvent.objects.get(verb="dunning.letter_template.returned")
    assert event.data["reason"] == "Ton trop sec"


def test_a_text_in_service_is_never_changed(author, other) -> None:
    template = in_service(author, other)
    with pytest.raises(WrongState):
        written(author, template, subject="Autre")
    with pytest.raises(WrongState):
        discard_template(actor=author, template_id=template.pk, now=NOW)


def test_the_accountant_writes_no_letter(make_user) -> None:
    with pytest.raises(NotAllowed):
        draft(make_user(Role.ACCOUNTANT))
    assert not LetterTemplate.objects.exists()


def test_the_letter_takes_the_entitys_text_then_that_of_all_then_the_built_in_one(
    entity, author, other
) -> None:
    notice = notice_of(entity)

    def subject() -> str:
        context = letter_context(notice, facts=LetterFacts(register()), today=TODAY)
        return context.template.subject

    built_in = subject()
    assert built_in == default_template(LetterKind.REMINDER, "fr").subject
    general = in_service(author, other, subject="De toutes")
    assert subject() == "De toutes"
    own = in_service(author, other, entity, subject="De l’entité")
    assert subject() == "De l’entité"
    retire_template(actor=other, template_id=own.pk, now=NOW)
    retire_template(actor=other, template_id=general.pk, now=NOW)
    assert subject() == built_in


def test_a_letter_keeps_its_words_for_ever(entity, author, other) -> None:
    template = in_service(author, other, subject="Votre compte au {{ date }}")
    letter = printed(notice_of(entity))
    assert letter.template == template
    frozen = letter.context["template"]
    assert (frozen["name"], frozen["version"], frozen["subject"]) == (
        "REMINDER",
        1,
        "Votre compte au {{ date }}",
    )
    assert frozen["body"] == template.body
    assert frozen["edited"] is False


def test_the_words_of_one_letter_are_changed_before_it_leaves(entity, author) -> None:
    notice = notice_of(entity)
    usual = default_template(LetterKind.REMINDER, "fr")
    body = usual.body.replace("Il s’agit sans doute d’un simple oubli.", "Comme convenu au téléphone.")
    edit_letter(actor=author, notice_id=notice.pk, subject=usual.subject, body=body, **WHEN)
    notice.refresh_from_db()
    assert notice.edited_by == author
    event = AuditEvent.objects.get(verb="dunning.letter.edited")
    assert event.data["after"]["body"] == body
    letter = printed(notice)
    assert "Comme convenu au téléphone" in letter.context["template"]["body"]
    assert letter.context["template"]["edited"] is True
    with pytest.raises(WrongState):
        edit_letter(actor=author, notice_id=notice.pk, subject="x", body=body, **WHEN)


def test_giving_back_the_usual_words_leaves_no_trace_in_the_letter(entity, author) -> None:
    notice = notice_of(entity)
    usual = default_template(LetterKind.REMINDER, "fr")
    changed = usual.body.replace("Madame, Monsieur,", "Cher client,")
    edit_letter(actor=author, notice_id=notice.pk, subject=usual.subject, body=changed, **WHEN)
    edit_letter(actor=author, notice_id=notice.pk, subject=usual.subject, body=usual.body, **WHEN)
    notice.refresh_from_db()
    assert (notice.edited_subject, notice.edited_body, notice.edited_by) == ("", "", None)


@pytest.mark.parametrize(
    "change",
    [("{{ tableau_pieces }}", ""), ("Madame, Monsieur,", "{{ inconnu }}"), ("simple oubli", "commandement")],
    ids=["nothing due", "unknown field", "forbidden word"],
)
def test_one_letter_is_read_over_like_a_template(entity, author, change) -> None:
    notice = notice_of(entity)
    usual = default_template(LetterKind.REMINDER, "fr")
    with pytest.raises(LetterTextRefused):
        edit_letter(
            actor=author, notice_id=notice.pk, subject=usual.subject, body=usual.body.replace(*change), **WHEN
        )
    notice.refresh_from_db()
    assert notice.edited_body == ""
    assert not AuditEvent.objects.filter(verb="dunning.letter.edited").exists()


def test_the_paper_of_an_entity(entity, author) -> None:
    values = {
        "window_left": 20,
        "window_top": 45,
        "window_width": 85,
        "window_height": 45,
        "has_fold_marks": False,
        "footer": "Membre d’un groupement",
    }
    set_letterhead(actor=author, legal_entity=entity, values=values, now=NOW)
    context = letter_context(notice_of(entity), facts=LetterFacts(register()), today=TODAY)
    assert (context.letterhead.window_left, context.letterhead.footer) == (20, "Membre d’un groupement")
    with pytest.raises(LetterContextError):
        set_letterhead(actor=author, legal_entity=entity, values={**values, "window_left": 2}, now=NOW)
    assert Letterhead.objects.get().window_left == 20


@pytest.fixture
def clock_of_tests(time_machine):
    time_machine.move_to(NOW, tick=False)


def test_from_the_list_to_a_text_in_service(clock_of_tests, entity, author, other, sign_in) -> None:
    browser = sign_in(author)
    page = browser.get(reverse("dunning:template-list")).content.decode()
    assert "texte intégré" in page
    built_in = browser.get(reverse("dunning:template-built-in", args=["REMINDER", "de"])).content.decode()
    assert "Zahlungserinnerung" in built_in
    answer = browser.post(reverse("dunning:template-draft"), {"kind": "REMINDER", "language": "fr"})
    template = LetterTemplate.objects.get()
    here = reverse("dunning:template-detail", args=[template.pk])
    assert answer.url == here
    page = browser.get(here).content.decode()
    assert "{{ date_limite }}" in page
    form = {
        "name": "Rappel amical",
        "subject": "Votre compte",
        "body": template.body.replace("simple oubli", "simple oubli de {{ client.nome }}").replace(
            "\n", "\r\n"
        ),
        "email_body": "",
        "sms_body": "",
        "note": "Plus court",
        "read_at": template.updated_at.isoformat(),
    }
    checked = browser.post(reverse("dunning:template-check", args=[template.pk]), form).content.decode()
    assert "Vouliez-vous dire « client.nom »" in checked
    assert LetterTemplate.objects.get().subject == template.subject
    answer = browser.post(here, {**form, "action": "submit"}, follow=True)
    assert "Le modèle a des erreurs" in answer.content.decode()
    template.refresh_from_db()
    assert "\r" not in template.body
    form |= {
        "body": template.body.replace("client.nome", "client.nom"),
        "read_at": template.updated_at.isoformat(),
    }
    answer = browser.post(here, {**form, "action": "submit"}, follow=True)
    assert "une autre personne doit l’approuver" in answer.content.decode()
    step = reverse("dunning:template-step", args=[template.pk])
    answer = browser.post(step, {"action": "approve"}, follow=True)
    assert "Vous avez soumis ce modèle" in answer.content.decode()
    second = sign_in(other)
    assert "Approuver et mettre en service" in second.get(here).content.decode()
    answer = second.post(step, {"action": "approve"}, follow=True)
    assert "Modèle en service" in answer.content.decode()
    template.refresh_from_db()
    assert (template.status, template.name) == ("ACTIVE", "Rappel amical")


def test_a_preview_on_a_real_customer(clock_of_tests, entity, author, sign_in) -> None:
    notice = notice_of(entity)
    template = draft(author)
    browser = sign_in(author)
    page = browser.get(
        f"{reverse('dunning:template-detail', args=[template.pk])}?client={notice.customer_id}"
    )
    item = notice.lines.get().item
    assert item.number in page.content.decode()
    pdf = browser.get(
        f"{reverse('dunning:template-preview', args=[template.pk])}?client={notice.customer_id}"
    )
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    pdf = browser.post(
        reverse("dunning:template-preview", args=[template.pk]),
        {"name": "x", "subject": "x", "body": template.body, "client": notice.customer_id},
    )
    assert pdf.content.startswith(b"%PDF-")


def test_a_customer_with_nothing_due_is_told(clock_of_tests, entity, author, sign_in) -> None:
    customer = make_customer(entity)
    template = draft(author)
    page = sign_in(author).get(
        f"{reverse('dunning:template-detail', args=[template.pk])}?client={customer.pk}"
    )
    assert "n’a aucune pièce échue" in page.content.decode()


def test_a_value_is_shown_literally_in_the_preview(clock_of_tests, entity, author, sign_in) -> None:
    template = written(author, draft(author), body="<script>alert(1)</script> <b>x</b>\n\n{{ signature }}")
    page = sign_in(author).get(reverse("dunning:template-detail", args=[template.pk])).content.decode()
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_words_of_one_letter_on_its_page(clock_of_tests, entity, author, sign_in) -> None:
    notice = notice_of(entity)
    browser = sign_in(author)
    here = reverse("dunning:letter-edit", args=[notice.pk])
    page = browser.get(here).content.decode()
    assert "simple oubli" in page
    body = default_template(LetterKind.REMINDER, "fr").body
    form = {"subject": "Votre compte", "body": body.replace("simple oubli", "oubli")}
    checked = browser.post(reverse("dunning:letter-edit-check", args=[notice.pk]), form).content.decode()
    assert "d’un oubli" in checked
    answer = browser.post(here, {**form, "action": "save"})
    assert answer.url == reverse("dunning:notice-detail", args=[notice.pk])
    notice.refresh_from_db()
    assert "d’un oubli" in notice.edited_body
    answer = browser.post(here, {**form, "body": "rien", "action": "save"})
    assert answer.status_code == 409
    browser.post(here, {**form, "action": "restore"})
    notice.refresh_from_db()
    assert notice.edited_body == ""


def test_the_paper_page_refuses_a_window_outside_the_head(clock_of_tests, entity, author, sign_in) -> None:
    browser = sign_in(author)
    here = reverse("dunning:letterhead-detail", args=[entity.pk])
    assert browser.get(here).status_code == 200
    form = {"window_left": 110, "window_top": 50, "window_width": 85, "window_height": 33, "footer": ""}
    assert browser.post(here, form).status_code == 302
    answer = browser.post(here, {**form, "window_left": 1})
    assert answer.status_code == 400
    assert "ne tient pas dans le haut de la page" in answer.content.decode()
