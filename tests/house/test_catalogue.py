"""The words of the interface: French in the sources, English complete, and neither leaking into the other."""

import re
from collections.abc import Iterator
from pathlib import Path

import lxml.html
import pytest
from babel.messages.pofile import read_po
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext, ngettext, npgettext, pgettext

from config.runtime.catalogue import (
    ENGLISH,
    FRENCH,
    Message,
    faults,
    messages,
    placeholders,
    python_messages,
    template_messages,
    translations,
    update,
)
from config.runtime.home import REPOSITORY
from core.models import AuditEvent, LegalParameter, Role, User
from core.views.styleguide import CUSTOMERS as SAMPLES
from customers.models import Customer, LegalEntity, PaymentTerms
from dunning.letters.sample_letters import DEBTOR
from dunning.models import Agency, DunningStop, LetterTemplate, Policy
from invoices.models import BankAccount, BankLine, ImportProfile, PaymentPlan
from risk.models import LegalEvent, ScoreObjection
from tests.house.test_routes import address, matrix
from tests.house.world import build_world

NBSP, NARROW = "\u00a0", "\u202f"

# Words that are written alike in both languages.
SAME = {
    *("Action", "Administration", "Agenda", "Code", "Contacts", "DSO", "Date", "Dates", "Document", "E-mail"),
    *("Documents", "Format", "Interface", "Messages", "Points", "Principal", "SIREN", "Scores", "Sections"),
    *("Segment", "Source", "Total", "Total %(currency)s", "Type", "active", "code", "contact", "contacts"),
    *("option %(policy)s", "principal", "score", "scores", "segment", "segment %(segment)s"),
    *("source", "version", "version %(card_version)s", "version %(version)s"),
    *("ISO 4217.", "commission (%)", "point (1,234.56)"),
    *("%(code)s, version %(version)s", "%(count)d page", "%(level)s · version %(version)s", "Base"),
    *("Certain", "E-mails", "Exception", "Exceptions", "France", "Luxembourg", "PDF", "Page", "Pages"),
    *("Portugal", "Progression", "SMS", "Script", "Simulation", "Versions", "pages", "simulation"),
    *("simulation-%(number)s.csv", "simulations"),
    *("Banque de France", "Bodacc", "CSV", "Cause", "Classes", "Conan-Holder", "Conciliation", "Conclusion"),
    *("Construction", "Conversion", "Extension", "JSON, Banque de France", "JSON, DGFiP", "JSON, INPI / BCE"),
    *("Permanent", "Plan", "Provisions, total III", "Ratio", "Simulations", "Sirene", "Version"),
    *("Version %(version)d", "cause", "conclusion", "conditions", "distributions", "migrations", "position"),
    *("provisions", "question", "rating-%(pk)s", "variables"),
}
# Nothing but values and signs, or names that have no translation.
NO_WORDS = re.compile(r"[\W\d_]*")


@pytest.fixture(scope="module")
def found() -> dict[Message, list[str]]:
    return messages(REPOSITORY)


@pytest.fixture(scope="module")
def english() -> dict[Message, str | tuple[str, ...]]:
    return translations(ENGLISH)


def forms(words: str | tuple[str, ...]) -> tuple[str, ...]:
    return words if isinstance(words, tuple) else (words,)


def said(message: Message, count: int) -> str:
    """What Django says for it, in the language in force."""
    if message.plural and message.context:
        return npgettext(message.context, message.singular, message.plural, count)
    if message.plural:
        return ngettext(message.singular, message.plural, count)
    return pgettext(message.context, message.singular) if message.context else gettext(message.singular)


# --- the catalogues ---------------------------------------------------------------------------------------


def test_every_message_has_its_english_and_names_the_same_values(found) -> None:
    assert len(found) > 1000
    assert not faults(ENGLISH, found), "python -m config.runtime.catalogue update, then translate"


def test_the_plurals_of_french_are_up_to_date(found) -> None:
    counted = {message: places for message, places in found.items() if message.plural}
    assert counted
    assert not faults(FRENCH, counted), "python -m config.runtime.catalogue update"


def test_nothing_is_doubtful_and_no_message_is_both_counted_and_not(found) -> None:
    with ENGLISH.open("rb") as stream:
        assert not [entry.id for entry in read_po(stream) if entry.id and entry.fuzzy]
    counted = {(message.singular, message.context) for message in found if message.plural}
    assert not [
        message for message in found if not message.plural and (message.singular, message.context) in counted
    ]


def test_english_is_not_french(found, english) -> None:
    alike = {
        message.singular
        for message in found
        if message.singular in forms(english.get(message, ""))
        and not NO_WORDS.fullmatch(_wordless(message.singular))
    }
    assert alike == alike & SAME


def _wordless(words: str) -> str:
    return re.sub(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|`[^`]*`", "", words)


def test_english_has_no_french_punctuation(found, english) -> None:
    wrong = [
        form
        for message in found
        for form in forms(english.get(message, ""))
        if re.search(rf"[{NBSP}{NARROW} ][:;?!»](?:\s|$)|[«»]|\w'\w", re.sub(r"`[^`]*`", "x", form))
    ]
    # A separator shown beside its name.
    assert wrong == ["Semicolon ;"]


def test_what_is_compiled_is_what_is_written(found, english) -> None:
    with translation.override("en"):
        wrong = [
            message
            for message in found
            if forms(english.get(message, ""))
            != tuple(said(message, count) for count in (1, 2)[: len(forms(english.get(message, "")))])
        ]
    assert not wrong


def test_french_says_what_the_sources_say(found) -> None:
    """No catalogue of a library answers in our place; and zero is singular."""
    with translation.override("fr"):
        for message in found:
            assert said(message, 0) == said(message, 1) == message.singular
            assert said(message, 2) == (message.plural or message.singular)


# --- typography of the sources ----------------------------------------------------------------------------

FAULTS = {
    "a no-break space before ; ? ! » and after «": re.compile(
        rf"(?<![{NBSP}{NARROW}])[;?!»](?=\s|$|[.,)])|«(?!{NBSP})"
    ),
    "a no-break space before :": re.compile(r"(?<=[\w)»’%}]) :|(?<=[\w)»]):(?=\s|$)"),
    "a no-break space before % and €": re.compile(r"\d ?%(?![(\w])(?!%\S)|[\d )]€"),
    "a typographic apostrophe": re.compile(r"\w'"),
    "three dots in one sign": re.compile(r"\.\.\."),
    "no doubled space, none at the ends": re.compile(r"  |^ | $"),
}
# A separator shown beside its name; a sign of a filter's chip.
NOT_PROSE = {f"Point-virgule{NBSP};", "Barre |", f"{NBSP}: "}


@pytest.mark.parametrize("rule", FAULTS)
def test_sources_follow_french_typography(found, rule: str) -> None:
    wrong = [
        f"{places[0]}: {words!r}"
        for message, places in found.items()
        for words in filter(None, (message.singular, message.plural))
        # Code within the text is written as code.
        if words not in NOT_PROSE
        and FAULTS[rule].search(re.sub(r"`[^`]*`|\?\w+=|<[^>]+>|Authorization:", "x", words))
    ]
    assert not wrong, f"{rule}:\n" + "\n".join(wrong)


# --- the tool ---------------------------------------------------------------------------------------------


def test_messages_of_a_module_are_found_under_any_name() -> None:
    source = """
from django.utils.translation import gettext as _, gettext_lazy as lazy, ngettext, pgettext
from elsewhere import gettext
A = lazy("Client")
def f(n):
    gettext("autre chose")
    return _("Pièce " "soldée"), ngettext("%(n)d pièce", "%(n)d pièces", n), pgettext("mois", "mai")
"""
    assert set(python_messages(source, "f.py")) == {
        Message("Client"),
        Message("Pièce soldée"),
        Message("%(n)d pièce", "%(n)d pièces"),
        Message("mai", context="mois"),
    }


def test_words_that_are_not_written_out_are_refused() -> None:
    source = "from django.utils.translation import gettext as _\n_(name)\n"
    with pytest.raises(SyntaxError, match=r"f\.py:2"):
        list(python_messages(source, "f.py"))


def test_messages_of_a_template_are_found_as_its_tags_look_them_up() -> None:
    source = """
      {% load i18n %}<p title="{% trans "Retard" %}">{{ _("Solde")|upper }}</p>
      {# {% trans "non" %} #}
    {% panel title=_("Fiche") %}{% blocktrans trimmed with a=b %}
        Reste
        {{ a }} à 100 %
    {% endblocktrans %}{% endpanel %}
  {% blocktrans count n=rows %}{{ n }} pièce{% plural %}{{ n }} pièces{% endblocktrans %}
{% trans "mai" context "mois" %}
"""
    assert set(template_messages(source, "f.html")) == {
        Message("Retard"),
        Message("Solde"),
        Message("Fiche"),
        Message("Reste %(a)s à 100 %%"),
        Message("%(n)s pièce", "%(n)s pièces"),
        Message("mai", context="mois"),
    }


def test_update_keeps_what_is_translated_and_drops_what_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "en" / "LC_MESSAGES" / "django.po"
    kept, gone, new = Message("Client"), Message("Ancien"), Message("%(n)d pièce", "%(n)d pièces")
    update(file, "en", {gone: ["a.py"], kept: ["a.py"]})
    file.write_text(
        file.read_text().replace('msgid "Client"\nmsgstr ""', 'msgid "Client"\nmsgstr "Customer"')
    )
    update(file, "en", {new: ["z.py"], kept: ["b.py", "a.py"]})
    assert translations(file) == {kept: "Customer", new: ("", "")}
    first = file.read_bytes()
    assert b"Ancien" not in first
    update(file, "en", {kept: ["b.py", "a.py"], new: ["z.py"]})
    assert file.read_bytes() == first
    assert str(tmp_path) not in file.read_text()
    assert [fault.split(":")[0] for fault in faults(file, {kept: [], new: ["z.py"]})] == ["z.py"]


def test_a_translation_that_names_another_value_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "en" / "LC_MESSAGES" / "django.po"
    message = Message("%(name)s doit %(amount)s")
    update(file, "en", {message: ["a.py"]})
    file.write_text(
        file.read_text()
        .replace('msgstr ""\n\n', "\n\n", 0)
        .replace('s"\nmsgstr ""', 's"\nmsgstr "%(nom)s owes"')
    )
    assert "other values" in faults(file, {message: ["a.py"]})[0]
    assert placeholders("100 %% de %(total)s en {n} %d") == {"%(total)s", "{n}", "%d"}


# --- the pages --------------------------------------------------------------------------------------------

FRENCH_WORDS = re.compile(
    r"\b(retard|échéances?|échue?s?|pièces?|relances?|relancer|balance âgée|lettrages?|lettrer|litiges?|soldes?"
    r"|soldée?s?|plafonds?|montants?|règlements?|avoirs|clients|factures?|campagnes?|enregistrer|annuler"
    r"|modifier|ajouter|retirer|déposer|déposé|fichiers?|lignes?|aucune?|rechercher|recherche|voir|tous|toutes"
    r"|états?|niveau|motif|jours|mois|semestre|depuis|jusqu’au|pour|avec|dans|votre|vous|cette|n’est|n’a|une"
    r"|les|des|du|aux|est|sont|sur|taux|pénalités|indemnités?|courriers?|envois?|dossiers?|entité|devise|choisir"
    r"|oui|non(?!-)|valider|validation|écarter|suivant|précédent|filtrer|janvier|février|août|novembre|décembre)\b"
    rf"|\d{NBSP}€|\d{NARROW}\d|[\d)] j\b|{NBSP}[:;?!]|[«»]",
    re.IGNORECASE,
)
ENGLISH_WORDS = re.compile(
    r"\b(the|and|of|is|are|this|with|your|you|customers?|invoices?|overdue|balance due|save|required|notices?"
    r"|search|settled|password|fields?|amounts?|days?|issued|approve|reject|cancel|next|previous|status"
    r"|january|february|august|november|december|€\d)\b",
    re.IGNORECASE,
)
# Addresses and references of documents (« customer:12 ») are no words.
CODES = re.compile(r"\S*[@/]\S*|\b[\w.-]+:[\w*.-]+|\b\w+\.(?:csv|xlsx)\b|\b[a-z]+(?:[._][a-z]+)+\b|\bDU\b")
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-one", "data-many", "data-none", "data-announce")


def spoken(content: bytes, language: str) -> Iterator[str]:
    """Every text of a page, but those that say they are in the other language, and what people write."""
    page = lxml.html.document_fromstring(content.decode())
    for silent in page.xpath(f'//script | //style | //textarea | //*[@lang and @lang != "{language}"]'):
        silent.drop_tree()
    yield from page.xpath("//text()")
    for attribute in SPOKEN:
        yield from page.xpath(f"//@{attribute}")


def names_of_the_world() -> list[str]:
    """What people typed, which stays in the language they typed it in."""
    typed = {"Quelqu’un", "clé", "lot.csv", "dossier.zip", *(sample[0] for sample in SAMPLES)}
    # A field of letters, by its code; the address of the imaginary customer, as the post wants it.
    typed.update(("avoirs", *(line.upper() for line in DEBTOR.address_lines)))
    for model, field in (
        *((LegalEntity, "name"), (Customer, "name"), (Customer, "address_lines"), (PaymentTerms, "name")),
        *((Policy, "name"), (Agency, "name"), (User, "full_name")),
        *((DunningStop, "reason"), (LetterTemplate, "name"), (LegalParameter, "source")),
        *((ImportProfile, "name"), (BankAccount, "name"), (BankLine, "remittance"), (PaymentPlan, "note")),
        *((LegalEvent, "name"), (LegalEvent, "nature"), (LegalEvent, "court"), (ScoreObjection, "grounds")),
        (AuditEvent, "data__name"),
    ):
        typed.update(str(value) for value in model.objects.values_list(field, flat=True))
    typed.update(line for text in list(typed) for line in text.splitlines())
    return sorted(filter(None, typed), key=len, reverse=True)


def heard(client: Client, language: str, foreign: re.Pattern[str]) -> set[tuple[str, str]]:
    """Route and words, where a page says words of the other language."""
    world = build_world()
    typed = names_of_the_world()
    found = set()
    visited = 0
    for row in matrix():
        if row["method"] != "GET":
            continue
        response = client.get(address(row["route"], world))
        if (
            not response.headers.get("Content-Type", "").startswith("text/html")
            or not response.content.strip()
        ):
            continue
        visited += 1
        for text in spoken(response.content, language):
            words = text
            for name in typed:
                words = words.replace(name, " ")
            if foreign.search(CODES.sub(" ", words)):
                found.add((row["route"], " ".join(text.split(" ")).strip()[:120]))
    assert visited > 40
    return found


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "foreign"), [("en", FRENCH_WORDS), ("fr", ENGLISH_WORDS)])
def test_pages_speak_one_language(make_user, language: str, foreign: re.Pattern[str]) -> None:
    user = make_user(*(role for role in Role if role != Role.API_PARTNER), email="somebody-else@example.test")
    User.objects.filter(pk=user.pk).update(language=language)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    wrong = sorted(heard(client, language, foreign))
    assert not wrong, "\n".join(f"{route}: {text!r}" for route, text in wrong)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "fr"])
def test_doors_and_refusals_speak_the_language_of_the_browser(client: Client, language: str) -> None:
    spoke = {"en": ("Sign in", "Page not found"), "fr": ("Se connecter", "Page introuvable")}[language]
    foreign = FRENCH_WORDS if language == "en" else ENGLISH_WORDS
    for path, words in zip(("/connexion/", "/rien-ici/"), spoke, strict=True):
        response = client.get(path, headers={"Accept-Language": language}, follow=True)
        texts = list(spoken(response.content, language))
        assert any(words in text for text in texts), (path, texts)
        assert not [text for text in texts if foreign.search(CODES.sub(" ", text))]
    problem = client.get("/api/v1/customers", headers={"Accept-Language": language})
    assert problem.status_code == 401
    assert (
        problem.json()["title"]
        == {"en": "Authentication required", "fr": "Authentification nécessaire"}[language]
    )


@pytest.mark.django_db
def test_a_refused_form_answers_in_english(make_user, sign_in) -> None:
    user = make_user(Role.CREDIT_MANAGER)
    User.objects.filter(pk=user.pk).update(language="en")
    world = build_world()
    client = sign_in(User.objects.get(pk=user.pk))
    answer = client.post(
        address("customers:customer-edit", world),
        {"siren": "732829321", "vat_number": "FR", "currency": "euro"},
    )
    texts = [" ".join(text.split()) for text in spoken(answer.content, "en")]
    assert any("its check digit is wrong" in text for text in texts), texts
    assert "This field is required." in texts
