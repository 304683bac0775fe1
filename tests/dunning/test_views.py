"""The pages of Relances: what they show, to whom, and what they refuse."""

from datetime import timedelta

import pytest
from django.urls import reverse

from core.legal import register
from core.models import Role
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Case, Level, Notice, Run
from dunning.operations.letters import render_next
from dunning.operations.runs import dun
from dunning.views.places import PLACES
from tests.dunning.factories import (
    NOW,
    TODAY,
    load_law,
    make_agency,
    make_customer,
    make_entity,
    make_item,
    make_policy,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio(time_machine):
    """Three late customers of one creditor, on a frozen day."""
    time_machine.move_to(NOW, tick=False)
    load_law()
    entity = make_entity()
    make_policy(entity)
    items = [make_item(make_customer(entity), "900.00", TODAY - timedelta(days=9 + n)) for n in range(3)]
    return entity, items


@pytest.fixture
def manager(make_user, sign_in, portfolio):
    return sign_in(make_user(Role.CREDIT_MANAGER))


def proposed(entity) -> list[Notice]:
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=TODAY, now=NOW)
    return list(Notice.objects.filter(run=planned.run_id).order_by("pk"))


def test_from_the_button_to_the_letter(portfolio, manager) -> None:
    entity, items = portfolio
    answer = manager.post(
        reverse("dunning:run-list"), {"legal_entity": entity.pk, "as_of": TODAY.isoformat()}, follow=True
    )
    run = Run.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("dunning:run-detail", args=[run.pk])
    assert "se prépare" in answer.content.decode()

    from dunning.tasks import plan_requested_runs

    plan_requested_runs()
    page = manager.get(reverse("dunning:run-detail", args=[run.pk])).content.decode()
    assert "Relance" in page
    listing = manager.get(reverse("dunning:notice-list") + "?status=PROPOSED", follow=True).content.decode()
    for item in items:
        assert item.customer.name in listing

    notice = Notice.objects.order_by("pk").first()
    preview = manager.get(reverse("dunning:notice-preview", args=[notice.pk]))
    assert preview["Content-Type"] == "application/pdf"
    assert preview.content.startswith(b"%PDF-")
    answer = manager.post(reverse("dunning:notice-approve"), {"selected": [notice.pk]}, follow=True)
    assert "1 relance validée" in answer.content.decode()
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    letter = manager.get(reverse("dunning:letter-pdf", args=[notice.pk]))
    content = b"".join(letter.streaming_content)
    assert content.startswith(b"%PDF-")
    detail = manager.get(reverse("dunning:notice-detail", args=[notice.pk])).content.decode()
    assert notice.letter.file.sha256 in detail


def test_double_click_asks_for_one_run(portfolio, manager) -> None:
    entity, _items = portfolio
    form = {"legal_entity": entity.pk, "as_of": TODAY.isoformat()}
    manager.post(reverse("dunning:run-list"), form)
    manager.post(reverse("dunning:run-list"), form)
    assert Run.objects.count() == 1


def test_a_run_of_a_day_to_come_is_refused_at_its_field(portfolio, manager) -> None:
    entity, _ = portfolio
    for day in (TODAY + timedelta(days=1), TODAY.replace(year=9999)):
        answer = manager.post(
            reverse("dunning:run-list"), {"legal_entity": entity.pk, "as_of": day.isoformat()}
        )
        assert answer.status_code == 400
        assert "est à venir" in answer.content.decode()
    assert not Run.objects.exists()


def test_approving_twice_tells_the_second_time(portfolio, manager) -> None:
    notices = proposed(portfolio[0])
    form = {"selected": [notice.pk for notice in notices]}
    manager.post(reverse("dunning:notice-approve"), form)
    answer = manager.post(reverse("dunning:notice-approve"), form, follow=True)
    assert "ne sont plus à valider" in answer.content.decode()


@pytest.mark.parametrize("name", ["notice-approve", "notice-reject", "notice-post"])
def test_with_nothing_ticked_the_page_says_what_to_do(manager, name: str) -> None:
    form = {"reason": "x", "posted_on": TODAY.isoformat()}
    page = manager.post(reverse(f"dunning:{name}"), form, follow=True).content.decode()
    assert "Cochez au moins une relance." in page


def test_rejecting_without_reason_is_refused(portfolio, manager) -> None:
    notices = proposed(portfolio[0])
    answer = manager.post(reverse("dunning:notice-reject"), {"selected": [notices[0].pk]}, follow=True)
    assert "Dites pourquoi" in answer.content.decode()
    assert Notice.objects.filter(status="PROPOSED").count() == len(notices)


def test_other_scopes_are_not_found(portfolio, make_user, sign_in) -> None:
    notice = proposed(portfolio[0])[0]
    stranger = sign_in(make_user(Role.CREDIT_MANAGER, sees=[make_entity()]))
    for name in ("notice-detail", "letter-pdf", "notice-preview"):
        assert stranger.get(reverse(f"dunning:{name}", args=[notice.pk])).status_code == 404
    assert stranger.get(reverse("dunning:run-detail", args=[notice.run_id])).status_code == 404
    assert notice.customer.name not in stranger.get(reverse("dunning:notice-list")).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "status=NOPE", "level=x", "legal_entity=999999", "legal_entity=abc", "min_amount=abc", "min_amount=1e400",
        "run=abc", "run=99999999999999999999999", "cursor=%00", "cursor=zzz", "customer=%F0%9F%92%A9", "status=%00",
    ],
)  # fmt: skip
def test_no_query_string_breaks_the_list(manager, query: str) -> None:
    assert manager.get(f"{reverse('dunning:notice-list')}?{query}").status_code in (200, 400)


@pytest.mark.parametrize("values", [["abc"], ["-1"], ["9" * 30], ["\x00"], []])
@pytest.mark.parametrize("name", ["notice-approve", "notice-reject", "notice-post"])
def test_no_form_breaks_a_decision(manager, name: str, values: list[str]) -> None:
    form = {"selected": values, "reason": "x", "posted_on": "2026-99-99"}
    assert manager.post(reverse(f"dunning:{name}"), form).status_code in (302, 400)


def test_lists_ask_the_same_number_of_questions_at_2_and_20_rows(
    portfolio, manager, django_assert_num_queries
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    entity, _items = portfolio
    names = ("approval-list", "notice-list", "run-list", "case-list", "exception-list", "settings-list")
    urls = [reverse(f"dunning:{name}") for name in names]

    def counts() -> list[int]:
        found = []
        for url in urls:
            manager.get(url)
            with CaptureQueriesContext(connection) as queries:
                manager.get(url)
            found.append(len(queries))
        return found

    proposed(entity)
    few = counts()
    for n in range(20):
        make_item(make_customer(entity), "500.00", TODAY - timedelta(days=8 + n))
        if n % 5 == 0:
            proposed(entity)
    proposed(entity)
    assert counts() == few


def test_customer_panel_and_scenarios(portfolio, manager) -> None:
    entity, items = portfolio
    proposed(entity)
    page = manager.get(reverse("dunning:customer-panel", args=[items[0].customer_id]))
    assert "À valider" in page.content.decode()
    piece = manager.get(
        reverse("dunning:customer-panel", args=[items[0].customer_id]), headers={"HX-Request": "true"}
    )
    assert "<html" not in piece.content.decode()
    ladder = manager.get(reverse("dunning:policy-list")).content.decode()
    assert "J+15" in ladder


def test_what_was_ticked_and_did_not_move_is_told(portfolio, manager) -> None:
    first, second, third = proposed(portfolio[0])
    reject = {"selected": [first.pk], "reason": "Doublon"}
    manager.post(reverse("dunning:notice-reject"), reject)
    answer = manager.post(
        reverse("dunning:notice-approve"), {"selected": [first.pk, second.pk, third.pk]}, follow=True
    ).content.decode()
    assert "2 relances validées. 1 autre reste en l’état" in answer


def test_cases_beyond_a_page_are_reached(portfolio, manager, monkeypatch) -> None:
    agency = make_agency()
    notices = proposed(portfolio[0])
    Case.objects.bulk_create(
        Case(notice=n, legal_entity=n.legal_entity, customer=n.customer, agency=agency, opened_on=TODAY)
        for n in notices
    )
    monkeypatch.setattr("dunning.views.cases.PAGE_SIZE", 2)
    page = manager.get(reverse("dunning:case-list"))
    assert len(page.context["cases"]) == 2
    rest = manager.get(reverse("dunning:case-list") + page.context["next_url"])
    assert [case.notice for case in rest.context["cases"]] == notices[:1]


def test_an_electronic_registered_letter_is_not_confirmed_at_the_post(portfolio, manager) -> None:
    notice = proposed(portfolio[0])[0]
    Level.objects.filter(pk=notice.level_id).update(channel=Level.Channel.E_REGISTERED)
    Notice.objects.filter(pk=notice.pk).update(status=Notice.Status.APPROVED)
    render_next(actor=SYSTEM, facts=LetterFacts(register()), today=TODAY, now=NOW)
    page = manager.get(reverse("dunning:notice-detail", args=[notice.pk])).content.decode()
    assert "Courrier prêt" in page and "Dépôt à la poste" not in page


def test_every_page_of_the_tabs_says_where_it_stands(portfolio, make_user, sign_in) -> None:
    client = sign_in(make_user(Role.CREDIT_MANAGER))
    proposed(portfolio[0])
    for place in PLACES:
        for page in place.pages:
            url = reverse(page.url_name) + page.query
            content = client.get(url).content.decode()
            assert f'<a href="{url}" aria-current="page">{page.label}' in content, page.key
            assert f'aria-current="true">{place.label}' in content, page.key
    # What waits under a tab is counted beside its name too.
    assert (
        'aria-current="true">À faire<span class="count">3</span>'
        in client.get(reverse("dunning:approval-list")).content.decode()
    )


def test_a_page_that_the_reader_may_not_open_is_no_tab(portfolio, make_user, sign_in) -> None:
    content = sign_in(make_user(Role.ACCOUNTANT)).get(reverse("dunning:policy-list")).content.decode()
    assert reverse("dunning:settings-list") in content
    assert reverse("dunning:template-list") not in content
