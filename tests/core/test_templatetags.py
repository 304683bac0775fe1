"""Amounts, dates and the pieces of pages are written as people read them."""

import datetime as dt
import re
from decimal import Decimal
from types import SimpleNamespace

import django_filters
import pytest
from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from core.models import Role, User
from core.templatetags import drawing, listing
from core.templatetags import format as written

NNBSP = "\u202f"
NBSP = "\u00a0"
MINUS = "\u2212"


def render(source: str, request: HttpRequest | None = None, **variables: object) -> str:
    template = Template("{% load components drawing format i18n interface listing %}" + source)
    return template.render(Context({**variables, **({"request": request} if request else {})}))


def page(address: str) -> HttpRequest:
    return RequestFactory().get(address)


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (Decimal("1234.56"), "EUR", f"1{NNBSP}234,56{NBSP}€"),
        (Decimal("-12"), "EUR", f"{MINUS}12,00{NBSP}€"),
        (Decimal("1234567.8"), "", f"1{NNBSP}234{NNBSP}567,80"),
        (Decimal("0.005"), "", "0,01"),
        (Decimal("12"), "USD", f"12,00{NBSP}USD"),
        ("15.5", "EUR", f"15,50{NBSP}€"),
        (None, "EUR", ""),
        ("", "EUR", ""),
        ("douze", "EUR", ""),
        (Decimal("NaN"), "EUR", ""),
    ],
)
def test_amount(value: object, currency: str, text: str) -> None:
    assert written.amount(value, currency) == text


def test_amount_in_english() -> None:
    with translation.override("en"):
        assert written.amount(Decimal("-1234.56"), "EUR") == f"{MINUS}€1,234.56"
        assert written.percent(Decimal("0.3333")) == "33.3%"
        assert written.integer(10000) == "10,000"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "–"), (Decimal("0.00"), "–"), (Decimal("-0.004"), "–"), (Decimal("0.01"), "0,01"), (None, "")],
)
def test_zero_is_a_dash_in_cells(value: object, text: str) -> None:
    assert written.amount_or_dash(value) == text


def test_figures_without_cents_round_half_up() -> None:
    assert written.amount_round(Decimal("1234.50"), "EUR") == f"1{NNBSP}235{NBSP}€"
    assert written.amount_round(Decimal("-1234.50")) == f"{MINUS}1{NNBSP}235"
    with translation.override("en"):
        assert written.amount_round(Decimal("-1234.50"), "EUR") == f"{MINUS}€1,235"
        assert written.amount_round(Decimal("1234.49"), "CHF") == f"CHF{NBSP}1,234"
        assert written.amount_round(Decimal("1234.50")) == "1,235"


@pytest.mark.parametrize(
    ("value", "text"), [(12, "+12 j"), (-3, f"{MINUS}3 j"), (0, "0 j"), (1500, f"+1{NNBSP}500 j"), (None, "")]
)
def test_delays_carry_their_sign(value: object, text: str) -> None:
    assert written.days_signed(value).replace(NBSP, " ") == text


def test_percent_takes_a_ratio() -> None:
    assert written.percent(Decimal("0.333")) == f"33,3{NBSP}%"
    assert written.percent(Decimal("-0.015"), 0) == f"{MINUS}2{NBSP}%"
    assert written.percent(None) == ""


def test_dates() -> None:
    assert written.date_short(dt.date(2026, 1, 5)) == "05/01/2026"
    assert written.date_long(dt.date(2026, 1, 1)) == f"1er{NBSP}janvier 2026"
    assert written.date_long(dt.date(2026, 11, 22)) == f"22{NBSP}novembre 2026"
    assert written.date_short(None) == ""


def test_events_are_shown_in_the_local_time_zone() -> None:
    moment = dt.datetime(2026, 6, 30, 22, 30, tzinfo=dt.UTC)
    assert written.datetime_short(moment) == "01/07/2026 00:30"
    assert written.date_short(moment) == "01/07/2026"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (1, "1 octet"),
        (999, "999 octets"),
        (12400, "12,4 ko"),
        (3_000_000, "3,0 Mo"),
        (5 * 10**15, "5 000,0 To"),
    ],
)
def test_file_sizes(size: int, text: str) -> None:
    assert written.file_size(size).replace(NBSP, " ").replace(NNBSP, " ") == text


# --- links ------------------------------------------------------------------------------------------------


def test_a_query_is_changed_and_forgets_its_cursor() -> None:
    request = page("/x/?a=1&a=2&b=3&cursor=zz")
    assert render("{% query_with b=4 %}", request) == "?a=1&amp;a=2&amp;b=4"
    assert render("{% query_with a=None %}", request) == "?b=3"
    assert render("{% query_without 'a' 'b' %}", request) == "?"
    assert render("{% query_with cursor='k' %}", request) == "?a=1&amp;a=2&amp;b=3&amp;cursor=k"


def test_sort_header_turns_round() -> None:
    source = "{% sort_header 'Solde' 'open_amount' numeric=True %}"
    first = render(source, page("/x/"))
    assert 'href="?sort=-open_amount"' in first
    assert "aria-sort" not in first
    descending = render(source, page("/x/?sort=-open_amount"))
    assert 'href="?sort=open_amount"' in descending
    assert 'aria-sort="descending"' in descending
    assert 'class="num"' in descending
    assert 'href="?sort=name"' in render("{% sort_header 'Client' 'name' %}", page("/x/"))


def test_what_comes_from_the_address_is_escaped() -> None:
    request = page('/x/?sort=%22%3E%3Cscript%3E&name="><script>')
    assert "<script>" not in render("{% sort_header 'Client' 'name' %}{% query_with b=1 %}", request)


def test_a_badge_refuses_a_tone_without_a_shape() -> None:
    assert (
        render("{% badge 'late' label %}", label="<b>") == '<span class="badge badge-late">&lt;b&gt;</span>'
    )
    with pytest.raises(ValueError, match="unknown tone 'red'"):
        render("{% badge 'red' 'x' %}")


# --- pieces -----------------------------------------------------------------------------------------------


def test_an_explained_figure_opens_what_stands_between_its_halves() -> None:
    html = render("{% stat label='DSO' value='68,5 j' %}<p>30 + 31</p>{% endstat %}")
    target = re.search(r'popovertarget="([^"]+)"', html)
    assert target is not None
    assert f'popover id="{target[1]}"' in html
    assert "<p>30 + 31</p>" in html
    assert "popover" not in render("{% stat label='DSO' value='68,5 j' %}{% endstat %}")


def test_progress_polls_only_when_told() -> None:
    running = render("{% progress 'Lecture' 40 100 poll_url='/p/' %}")
    assert 'hx-get="/p/"' in running
    assert 'max="100" value="40"' in running
    still = render("{% progress 'Lecture' %}")
    assert "hx-get" not in still
    assert "max=" not in still


def test_selectable_rows_give_their_amount_as_plain_figures() -> None:
    html = render("{% row_check 7 label='FA-7' amount=a currency='EUR' %}", a=Decimal("1234.50"))
    assert 'data-amount="1234.50"' in html
    assert 'data-currency="EUR"' in html


def test_field_ties_help_and_errors_to_the_control() -> None:
    class Sample(forms.Form):
        name = forms.CharField(label="Nom", help_text="Neuf chiffres")
        note = forms.CharField(required=False)

    html = render("{% form_fields form %}", form=Sample({"name": ""}))
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert html.count("(facultatif)") == 1
    assert str(Sample({"name": ""})["name"].as_field_group()) in html


def test_ageing_bar_fills_its_width_and_leaves_credits_out() -> None:
    third = Decimal("33.33")
    parts = drawing.ageing_bar([("a", third), ("b", third), ("c", third), ("d", Decimal("-5"))])["parts"]
    assert [part["width"] for part in parts] == [334, 333, 333, 0]  # type: ignore[attr-defined]
    assert [part["x"] for part in parts] == [0, 334, 667, 1000]  # type: ignore[attr-defined]
    assert "age-0" not in render("{% ageing_bar b %}", b=[("a", 0), ("b", 0)])


def test_gauge_turns_late_over_the_limit() -> None:
    assert drawing.gauge(Decimal(101), Decimal(100))["tone"] == "late"
    assert drawing.gauge(Decimal(100), Decimal(100))["tone"] == ""
    assert drawing.gauge(Decimal(50), None)["limit_x"] is None
    assert drawing.gauge(Decimal(50), Decimal(100), cover=Decimal(200))["cover_width"] == 1000


def test_chart_data_cannot_close_its_script() -> None:
    data = {"kind": "bar", "categories": ["</script>"], "series": []}
    html = render("{% chart id='c' title='T' data=d %}<table></table>{% endchart %}", d=data)
    assert "</script>" not in html.split('type="application/json">')[1].split("</script>")[0]
    assert html.count("</script>") == 1


class SampleFilters(django_filters.FilterSet):
    name = django_filters.CharFilter(label="Client")
    status = django_filters.MultipleChoiceFilter(label="Statut", choices=[("a", "Alpha"), ("b", "Bêta")])
    balance = django_filters.RangeFilter(label="Solde")
    disputed = django_filters.BooleanFilter(label="Litige")
    sort = django_filters.OrderingFilter(fields=["email"])


def bar(address: str) -> dict[str, object]:
    request = page(address)
    filterset = SampleFilters(request.GET, queryset=User.objects.none())
    return listing.filter_bar(Context({"request": request}), filterset, keep="as_of")


def test_each_filter_in_force_is_a_chip_that_removes_it() -> None:
    shown = bar("/x/?name=Val&status=a&status=b&balance_min=10&sort=email&as_of=2026-06-30&cursor=c")
    chips = {(chip.label, chip.value): chip.url for chip in shown["chips"]}  # type: ignore[attr-defined]
    assert set(chips) == {
        ("Client", "Val"),
        ("Statut", "Alpha"),
        ("Statut", "Bêta"),
        ("Solde", "10,00 – …"),
    }
    assert "name=" not in chips["Client", "Val"]
    assert "status=b" in chips["Statut", "Alpha"]
    assert "status=a" not in chips["Statut", "Alpha"]
    assert "balance_min" not in chips["Solde", "10,00 – …"]
    assert all("cursor" not in url for url in chips.values())
    assert shown["clear_url"] == "?sort=email&as_of=2026-06-30"


def test_no_filter_no_chip() -> None:
    assert bar("/x/")["chips"] == []
    assert bar("/x/?disputed=unknown")["chips"] == []


# --- pages ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("lines", ["0", "1", "20", "absurde"])
def test_the_living_page_shows_every_piece(lines: str, make_user, sign_in) -> None:
    client = sign_in(make_user(Role.ACCOUNTANT))
    answer = client.get(
        "/aide/interface/", {"lignes": lines, "piece": "1", "status": ["late", "?"], "due_after": "x"}
    )
    assert answer.status_code == 200
    html = answer.content.decode()
    assert " style=" not in html
    assert not re.search(r"<script(?![^>]*(src=|application/json))", html)
    assert not re.search(r"\son[a-z]+=", html)


@pytest.mark.django_db
def test_the_total_of_ticked_rows_keeps_currencies_apart(make_user, sign_in) -> None:
    client = sign_in(make_user(Role.CREDIT_MANAGER))
    answer = client.get("/selection/total/", {"amount": ["EUR 10.10", "EUR -0.20", "USD 5"]})
    assert answer.content.decode() == f"9,90{NBSP}€ + 5,00{NBSP}USD"
    for bad in ["10", "EUR 1e9", "EUR 1.234", "eur 1", "EUR ١"]:
        assert client.get("/selection/total/", {"amount": bad}).status_code == 400
    assert client.get("/selection/total/", {"amount": ["EUR 1"] * 1001}).status_code == 400


def test_pages_for_errors_need_neither_person_nor_database() -> None:
    for name in ("400", "403", "403_csrf", "404", "500"):
        html = Template("{% extends '" + name + ".html' %}").render(Context({}))
        assert "Revenir à l’agenda" in html
        assert " style=" not in html


def test_the_frame_holds_without_a_person() -> None:
    context = Context({"request": page("/x/"), "user": AnonymousUser(), "nav": SimpleNamespace()})
    html = Template("{% extends 'base.html' %}{% block title %}Essai{% endblock %}").render(context)
    assert "<title>Essai · Encours</title>" in html
    assert "Se déconnecter" not in html


def test_the_chosen_tab_brings_its_pages_in_a_second_row() -> None:
    pages = [{"label": "Appels", "url": "/a/", "active": True, "count": 3}, {"label": "Échecs", "url": "/e/"}]
    html = render(
        "{% tabs items %}",
        items=[
            {"label": "À faire", "url": "/a/", "active": True, "pages": pages},
            {"label": "Règles", "url": "/r/", "pages": [{"label": "Essais", "url": "/t/"}]},
        ],
    )
    assert '<nav class="tabs-second" aria-label="À faire">' in html
    assert '<a href="/a/" aria-current="page">Appels<span class="count">3</span></a>' in html
    assert "Essais" not in html


def test_every_icon_and_drawing_that_a_template_names_is_drawn() -> None:
    drawn = set(re.findall(r'id="([a-z0-9-]+)"', (settings.BASE_DIR / "static/img/icons.svg").read_text()))
    named = {}
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        for name in re.findall(r'(?:\{% icon |drawing=|_icon=)"([a-z0-9-]+)"', path.read_text()):
            named.setdefault(name, path.name)
    assert {name: where for name, where in named.items() if name not in drawn} == {}
