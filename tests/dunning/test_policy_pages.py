"""The pages of policies: reading, editing in two tabs, activating, comparing."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from core.models import Role
from core.rights import SYSTEM
from dunning.default_policies import SME
from dunning.models import LetterTemplate, Level, Policy
from dunning.operations.policies import create_policy
from dunning.policy_content import fingerprint
from dunning.policy_reach import Conditions, reach
from tests.dunning.factories import (
    NOW,
    TODAY,
    make_agency,
    make_customer,
    make_entity,
    make_item,
    make_policy,
)
from tests.pages import assert_no_server_error, counting

pytestmark = pytest.mark.django_db

LEVEL = {
    "kind": "REMINDER", "channel": "EMAIL", "tone": "FIRM", "delay_days": "12", "delay_from": "DUE_DATE",
    "gap_days": "0", "pay_within_days": "8", "approval": "MANUAL", "minimum_amount": "1 000,50",
    "maximum_amount": "", "template_code": "", "call_script": "",
}  # fmt: skip
SETTINGS = {
    "name": "Entreprises", "priority": "90", "legal_entity": "", "customer_kind": "COMPANY", "segment": "",
    "risk_class": "", "countries": "be ; fr", "overdue_from": "", "overdue_below": "", "turnover_share_from": "",
    "oldest_days_from": "", "oldest_days_below": "", "minimum_amount": "", "contact_gap_days": "9",
    "grouping": "CUSTOMER", "progression": "OWN_LEVEL", "sending_weekdays": ["1", "2", "4"],
    "sending_from": "09:00", "sending_until": "17:00",
}  # fmt: skip


@pytest.fixture
def draft(time_machine: Any) -> Policy:
    time_machine.move_to(NOW, tick=False)
    make_agency()
    return create_policy(actor=SYSTEM, code="PME", name="Entreprises", source=SME, now=NOW)


@pytest.fixture
def manager(client: Any, make_user: Any) -> Any:
    client.force_login(make_user(Role.CREDIT_MANAGER))
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"dunning:{name}", args=args)


def test_a_script_is_read_out_while_it_is_written(manager: Any, draft: Policy) -> None:
    panel = manager.get(url("policy-detail", draft.pk) + "?niveau=2").content.decode()
    assert 'data-insert="{{ client.interlocuteur }}"' in panel
    check = url("script-check")
    said = manager.post(check, {"call_script": "Bonjour {{ client.interlocuteur }}, {{ total }}."})
    assert "Bonjour Lise Carrel, 4\u202f360,75\u00a0€." in said.content.decode()
    wrong = manager.post(check, {"call_script": "Bonjour {{ client.nome }}"}).content.decode()
    assert "client.nom" in wrong and "Lise Carrel" not in wrong


def test_a_level_takes_a_template_of_ones_own_of_its_kind_only(manager: Any, draft: Policy) -> None:
    manager.post(
        url("template-draft"), {"own": "1", "name": "Rappel très doux", "kind": "REMINDER", "language": "fr"}
    )
    template = LetterTemplate.objects.get()
    assert (template.code, template.kind, template.name) == (
        "RAPPEL-TRES-DOUX",
        "REMINDER",
        "Rappel très doux",
    )
    panel = manager.get(url("policy-detail", draft.pk) + "?niveau=2").content.decode()
    assert "Rappel très doux (Relance)" in panel
    level = LEVEL | {"template_code": "RAPPEL-TRES-DOUX"}
    manager.post(url("level-save", draft.pk, 2), level | {"seen": fingerprint(draft)})
    assert draft.levels.get(rank=2).template_code == "RAPPEL-TRES-DOUX"
    draft.refresh_from_db()
    formal = level | {"kind": "FORMAL_NOTICE", "channel": "REGISTERED", "delay_days": "30"}
    manager.post(
        url("level-save", draft.pk, 4), formal | {"seen": fingerprint(Policy.objects.get(pk=draft.pk))}
    )
    page = manager.get(url("policy-activate", draft.pk)).content.decode()
    assert "Ce modèle est écrit pour un autre niveau" in page
    # The name is one level's, and a name of signs alone is none.
    manager.post(
        url("template-draft"),
        {"own": "1", "name": "Rappel très doux", "kind": "FORMAL_NOTICE", "language": "fr"},
    )
    answer = manager.post(
        url("template-draft"), {"own": "1", "name": "!!!", "kind": "REMINDER", "language": "fr"}, follow=True
    )
    assert "Donnez au modèle un nom" in answer.content.decode()
    assert LetterTemplate.objects.count() == 1


def test_an_empty_house_installs_the_default_ladders(manager: Any) -> None:
    assert "Installer les scénarios par défaut" in manager.get(url("policy-list")).content.decode()
    manager.post(url("policy-install"))
    page = manager.get(url("policy-list")).content.decode()
    assert page.count('class="frieze"') == 3
    assert "J+30" in page
    assert "Lettre recommandée" in page
    assert manager.post(url("policy-install")).status_code == 302
    assert Policy.objects.count() == 3


def test_a_policy_is_created_from_a_model_or_refused_at_its_field(manager: Any, draft: Policy) -> None:
    good = {"name": "Public", "code": "public", "start": "model-PUBLIC"}
    answer = manager.post(url("policy-create"), good)
    made = Policy.objects.get(code="PUBLIC")
    assert answer.url == url("policy-detail", made.pk)
    again = manager.post(url("policy-create"), good)
    assert again.status_code == 400
    assert "Ce code est déjà celui" in again.content.decode()
    assert manager.post(url("policy-create"), {**good, "code": "a b"}).status_code == 400


def test_the_ladder_reads_and_its_levels_are_edited(manager: Any, draft: Policy) -> None:
    page = manager.get(url("policy-detail", draft.pk)).content.decode()
    for words in ("J−5", "Mise en demeure", "30 jours après l’échéance", "Échéance", "le principal"):
        assert words in page
    panel = manager.get(url("policy-detail", draft.pk), {"ajouter": "3"}).content.decode()
    assert "Nouveau niveau 3" in panel
    answer = manager.post(url("level-add", draft.pk, 3), {**LEVEL, "seen": fingerprint(draft)})
    assert answer.url == url("policy-detail", draft.pk)
    level = Level.objects.get(policy=draft, rank=3)
    assert (level.delay_days, str(level.minimum_amount), level.tone) == (12, "1000.50", "FIRM")
    draft = Policy.objects.get(pk=draft.pk)
    refused = manager.post(
        url("level-save", draft.pk, 3), {**LEVEL, "channel": "AGENCY", "seen": fingerprint(draft)}
    )
    assert refused.status_code == 400
    assert "Seule une remise en recouvrement" in refused.content.decode()
    faulty = manager.post(
        url("level-save", draft.pk, 3), {**LEVEL, "delay_days": "-2", "seen": fingerprint(draft)}
    )
    assert faulty.status_code == 302
    assert "indiquez au moins 1 jour" in manager.get(url("policy-detail", draft.pk)).content.decode()
    assert (
        "indiquez au moins 1 jour"
        in manager.get(url("policy-detail", draft.pk), {"niveau": "3"}).content.decode()
    )
    for name, data in (("level-move", {"to": "up"}), ("level-move", {"to": "down"}), ("level-remove", {})):
        draft = Policy.objects.get(pk=draft.pk)
        rank = 3 if (name, data.get("to")) != ("level-move", "down") else 2
        assert (
            manager.post(url(name, draft.pk, rank), {**data, "seen": fingerprint(draft)}).status_code == 302
        )
    assert list(Level.objects.filter(policy=draft).values_list("rank", flat=True)) == [1, 2, 3, 4, 5]


def test_the_second_tab_is_told_what_changed_and_may_keep_its_entry(manager: Any, draft: Policy) -> None:
    seen = fingerprint(draft)
    assert manager.post(url("policy-edit", draft.pk), {**SETTINGS, "seen": seen}).status_code == 302
    saved = Policy.objects.get(pk=draft.pk)
    assert (saved.countries, saved.sending_weekdays, saved.priority) == (["BE", "FR"], "124", 90)
    second = manager.post(url("policy-edit", draft.pk), {**SETTINGS, "contact_gap_days": "3", "seen": seen})
    page = second.content.decode()
    assert second.status_code == 400
    assert "a été modifié depuis" in page
    assert "Priorité\u00a0: 100 → 90" in page
    assert fingerprint(saved) in page
    level = manager.post(url("level-save", draft.pk, 2), {**LEVEL, "seen": seen})
    assert level.status_code == 400
    assert "Priorité\u00a0: 100 → 90" in level.content.decode()
    kept = {**SETTINGS, "contact_gap_days": "3", "seen": fingerprint(saved)}
    assert manager.post(url("policy-edit", draft.pk), kept).status_code == 302
    assert Policy.objects.get(pk=draft.pk).contact_gap_days == 3


def test_what_is_wrong_stands_at_its_field(manager: Any, draft: Policy) -> None:
    seen = fingerprint(draft)
    for field, value, words in (
        ("countries", "France", "n’est pas un code de pays"),
        ("overdue_from", "-5", "positif ou nul"),
        ("overdue_from", "abc", "abc"),
        ("sending_until", "08:00", "doit suivre"),
        ("sending_weekdays", [], "obligatoire"),
    ):
        answer = manager.post(url("policy-edit", draft.pk), {**SETTINGS, field: value, "seen": seen})
        assert answer.status_code == 400, field
        assert words in answer.content.decode()


def test_activation_tells_the_difference_and_refuses_faults(manager: Any, draft: Policy) -> None:
    manager.post(url("policy-activate", draft.pk), {"seen": fingerprint(draft), "note": "Premier"})
    assert Policy.objects.get(pk=draft.pk).status == "ACTIVE"
    answer = manager.post(url("policy-draft", draft.pk))
    second = Policy.objects.get(version=2)
    assert answer.url == url("policy-detail", second.pk)
    manager.post(url("level-remove", second.pk, 4), {"seen": fingerprint(second)})
    page = manager.get(url("policy-activate", second.pk)).content.decode()
    assert "suit une mise en demeure" in page
    assert "Niveau retiré" in page
    second = Policy.objects.get(version=2)
    refused = manager.post(url("policy-activate", second.pk), {"seen": fingerprint(second)})
    assert refused.status_code == 400
    manager.post(url("level-remove", second.pk, 4), {"seen": fingerprint(second)})
    compared = manager.get(url("policy-compare", second.pk)).content.decode()
    assert compared.count("Niveau retiré") == 2
    stale = manager.post(url("policy-activate", second.pk), {"seen": fingerprint(draft)})
    assert stale.status_code == 400
    second = Policy.objects.get(version=2)
    manager.post(url("policy-activate", second.pk), {"seen": fingerprint(second), "note": "Plus court"})
    assert dict(Policy.objects.values_list("version", "status")) == {1: "RETIRED", 2: "ACTIVE"}
    detail = manager.get(url("policy-detail", second.pk)).content.decode()
    assert "Plus court" in detail
    assert manager.get(url("policy-edit", second.pk)).status_code == 302
    manager.post(url("policy-retire", second.pk), {"note": ""})
    assert Policy.objects.get(version=2).status == "ACTIVE"
    manager.post(url("policy-retire", second.pk), {"note": "Refonte"})
    assert "Retirés" in manager.get(url("policy-list")).content.decode()


def test_reach_counts_whom_the_conditions_take_now(manager: Any, draft: Policy) -> None:
    entity = make_entity()
    late = make_customer(entity, segment="PME")
    make_item(late, "700.00", TODAY - timedelta(days=40))
    make_item(make_customer(entity, segment="PME"), "200.00", TODAY + timedelta(days=4))
    make_item(make_customer(entity, kind="CONSUMER"), "90.00", TODAY - timedelta(days=3))
    make_policy(entity, priority=5, customer_kind="CONSUMER")
    found = reach(SYSTEM, Conditions.of(draft), today=TODAY)
    assert (found.customers, found.overdue, found.elsewhere) == (2, 1, 1)
    assert [(currency, str(amount)) for currency, amount in found.amounts] == [("EUR", "700.00")]
    typed = {**SETTINGS, "countries": "", "customer_kind": "", "overdue_from": "500"}
    with counting() as queries:
        piece = manager.get(
            url("policy-reach", draft.pk), typed, headers={"HX-Request": "true"}
        ).content.decode()
        assert queries() < 20
    assert "<strong>1</strong>" in piece
    assert "<html" not in piece
    assert_no_server_error(
        manager, url("policy-reach", draft.pk), ("overdue_from", "countries", "segment", "legal_entity")
    )
    assert_no_server_error(manager, url("policy-detail", draft.pk), ("niveau", "ajouter"))
    assert_no_server_error(manager, url("policy-compare", draft.pk), ("avec",))
    counted = manager.get(url("policy-edit", draft.pk), typed).content.decode()
    assert "<strong>1</strong>" in counted


def test_activation_tells_where_items_already_reminded_go_on(manager: Any, draft: Policy) -> None:
    manager.post(url("policy-activate", draft.pk), {"seen": fingerprint(draft), "note": ""})
    manager.post(url("policy-draft", draft.pk))
    second = Policy.objects.get(version=2)
    manager.post(url("level-add", second.pk, 2), {**LEVEL, "delay_days": "3", "seen": fingerprint(second)})
    page = " ".join(manager.get(url("policy-activate", second.pk)).content.decode().split())
    assert "Après le niveau 2 (Relance)" in page
    assert "Relance, et non Seconde relance" in page
