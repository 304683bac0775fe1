"""Reading announcements: shapes, natures and dates, each named after where it was seen."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.bodacc.identities import numbers_in, persons_of
from risk.bodacc.natures import classify
from risk.bodacc.notices import notices_of
from risk.bodacc.records import Record, UnreadableFile, read_records
from risk.bodacc.representatives import representative_in
from risk.bodacc.texts import clean, parse_date
from risk.sirene import read_units
from tests.risk.announcements import record

SIREN = "732829320"
LJ, RJ, SV = "LIQUIDATION", "RECEIVERSHIP", "SAFEGUARD"


@pytest.mark.parametrize(
    ("nature", "kind", "procedure", "closure"),
    [
        # the clerks' list, as the open data publishes it
        ("Jugement d'ouverture de liquidation judiciaire", "OPENING", LJ, ""),
        ("Jugement d’ouverture d’une procédure de redressement judiciaire", "OPENING", RJ, ""),
        ("JUGEMENT D'OUVERTURE D'UNE PROCEDURE DE SAUVEGARDE", "OPENING", SV, ""),
        ("Jugement d'ouverture d'une procédure de sauvegarde accélérée", "OPENING", "ACCELERATED_SAFEGUARD", ""),
        ("Jugement d'ouverture d'une procédure de sauvegarde financière accélérée", "OPENING", "FINANCIAL_SAFEGUARD", ""),
        ("Jugement d'ouverture d'une procédure de traitement de sortie de crise", "OPENING", "CRISIS_EXIT", ""),
        ("Jugement d'ouverture d'une procédure de rétablissement professionnel", "OPENING", "PROFESSIONAL_RECOVERY", ""),
        ("Autre jugement d'ouverture", "OPENING", "UNKNOWN", ""),
        ("Jugement d'extension de liquidation judiciaire", "EXTENSION", LJ, ""),
        ("Jugement d'extension d'une procédure de redressement judiciaire", "EXTENSION", RJ, ""),
        ("Jugement d'extension d'une procédure de sauvegarde", "EXTENSION", SV, ""),
        ("Jugement de conversion en liquidation judiciaire", "CONVERSION", LJ, ""),
        ("Jugement de conversion en liquidation judiciaire de la procédure de sauvegarde", "CONVERSION", LJ, ""),
        ("Jugement de conversion en redressement judiciaire de la procédure de sauvegarde financière accélérée", "CONVERSION", RJ, ""),
        ("Jugement mettant fin à la procédure de traitement de sortie de crise et ouvrant une procédure de liquidation judiciaire", "CONVERSION", LJ, ""),
        ("Jugement arrêtant le plan de redressement", "PLAN", "", ""),
        ("Jugement arrêtant le plan de sauvegarde accélérée", "PLAN", "", ""),
        ("Jugement de plan de redressement", "PLAN", "", ""),
        ("Jugement modifiant le plan de continuation", "PLAN_CHANGE", "", ""),
        ("Jugement prononçant la résolution du plan de sauvegarde", "PLAN_FAILURE", "", ""),
        ("Jugement prononçant la résolution du plan de cession et la liquidation judiciaire", "PLAN_FAILURE", LJ, ""),
        ("Jugement prononçant la résolution du plan de sauvegarde et le redressement judiciaire", "PLAN_FAILURE", RJ, ""),
        ("Jugement de clôture pour insuffisance d'actif", "CLOSURE", "", "INSUFFICIENT_ASSETS"),
        ("Jugement de clôture pour insuffisance d'actif et autorisant la reprise des poursuites individuelles", "CLOSURE", "", "ACTIONS_RESUMED"),
        ("Jugement de clôture de la liquidation des biens pour extinction du passif", "CLOSURE", "", "DEBTS_PAID"),
        ("Jugement prononçant la clôture de la procédure de rétablissement professionnel", "CLOSURE", "PROFESSIONAL_RECOVERY", "DEBTS_ERASED"),
        ("Jugement de clôture de la procédure de sauvegarde", "CLOSURE", SV, "OTHER"),
        ("Autre jugement de clôture", "CLOSURE", "", "OTHER"),
        ("Dépôt de l'état des créances", "ADMIN", "", ""),
        ("Dépôt de l'état des créances Loi de 1985", "ADMIN", "", ""),
        ("Dépôt de l'état des créances et du projet de répartition", "ADMIN", "", ""),
        ("Liste des créances nées après le jugement d'ouverture d'une procédure de liquidation judiciaire", "ADMIN", LJ, ""),
        ("Jugement de désignation des organes de la procédure", "ADMIN", "", ""),
        ("Arrêt de la cour d'appel infirmant une décision soumise à publicité", "APPEAL", "", ""),
        ("Autre arrêt de la Cour d'Appel", "APPEAL", "", ""),
        # never guessed
        ("Autre jugement prononçant", "UNKNOWN", "", ""),
        ("Autre jugement et ordonnance", "UNKNOWN", "", ""),
        ("Autre jugement de liquidation des biens", "UNKNOWN", "", ""),
        ("Jugement d'ouverture d'une bouteille", "UNKNOWN", "", ""),
    ],
)  # fmt: skip
def test_natures(nature: str, kind: str, procedure: str, closure: str) -> None:
    found = classify(family="collective", nature=nature, judgment_family="", complement="")
    assert (found.kind, found.procedure, found.closure) == (kind, procedure, closure)
    if kind in ("UNKNOWN", "APPEAL"):
        assert found.doubts


def test_the_text_tells_what_the_nature_leaves_open() -> None:
    simplified = classify(
        family="collective", nature="Jugement d'ouverture de liquidation judiciaire", judgment_family="",
        complement="Jugement prononçant la liquidation judiciaire simplifiée",
    )  # fmt: skip
    assert simplified.procedure == "SIMPLIFIED_LIQUIDATION"
    other = classify(
        family="collective", nature="Autre jugement d'ouverture", judgment_family="",
        complement="ouvrant une procédure de sauvegarde",
    )  # fmt: skip
    assert (other.procedure, "other_opening" in other.doubts) == (SV, True)


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("JUGEMENT D'OUVERTURE", "OPENING"),
        ("JUGEMENT DE CLÔTURE", "CLOSURE"),
        ("AVIS DE DÉPÔT", "ADMIN"),
        ("RADIATIONS", "STRIKE_OFF"),
        ("MODIFICATIONS ET MUTATIONS DIVERSES", "MODIFICATION"),
        ("DÉPÔTS DES COMPTES DES SOCIÉTÉS", "ACCOUNTS_FILED"),
        ("VENTES ET CESSIONS", "SALE"),
        ("collective", "UNKNOWN"),
        ("radiation", "STRIKE_OFF"),
        ("dpc", "ACCOUNTS_FILED"),
        ("conciliation", "CONCILIATION"),
    ],
)
def test_families_and_headings_of_extracts(heading: str, kind: str) -> None:
    assert classify(family=heading, nature="", judgment_family="", complement="").kind == kind


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-05-12", date(2026, 5, 12)),
        ("2026-05-12T00:00:00+00:00", date(2026, 5, 12)),
        ("10 décembre 2009", date(2009, 12, 10)),
        ("27/11/2008", date(2008, 11, 27)),
        ("1er février 2020", date(2020, 2, 1)),
        ("le 3 AOUT 2021", date(2021, 8, 3)),
        ("mardi 14 janvier 2014", date(2014, 1, 14)),
        ("5 févr. 2019", date(2019, 2, 5)),
        ("20260512", date(2026, 5, 12)),
        ("12.05.2026", date(2026, 5, 12)),
        ("10 dÃ©cembre 2009", date(2009, 12, 10)),
        ("30 février 2020", None),
        ("31/04/2020", None),
        ("12/05/26", None),
        ("0202-11-12", None),
        ("hier", None),
        ("", None),
        (None, None),
        (20260512, date(2026, 5, 12)),
        ({"date": "2026"}, None),
    ],
)
def test_dates(text: Any, day: date | None) -> None:
    assert parse_date(text) == day


class TestShapes:
    def test_explore_export_legacy_lines_and_csv_tell_the_same(self) -> None:
        one = record(SIREN)
        flat = {key: value if isinstance(value, str | int) else ",".join(value) for key, value in one.items()}
        line = ";".join('"' + str(value).replace('"', '""') + '"' for value in flat.values())
        files = {
            "v2.1": json.dumps({"total_count": 1, "results": [one]}).encode(),
            "v2.0": json.dumps({"records": [{"record": {"id": "x", "fields": one}}]}).encode(),
            "v1": json.dumps({"nhits": 1, "records": [{"recordid": "x", "fields": flat}]}).encode(),
            "export": json.dumps([one], ensure_ascii=False).encode(),
            "lines": (json.dumps(one) + "\n\n" + json.dumps(one | {"id": "A20269"}) + "\n").encode(),
            "csv": ("\ufeff" + ";".join(flat) + "\r\n" + line + "\r\n").encode(),
            "latin": json.dumps([one], ensure_ascii=False).encode("cp1252"),
            "utf-16": json.dumps([one], ensure_ascii=False).encode("utf-16"),
        }
        told = set()
        for content in files.values():
            [notice] = notices_of(read_records(content).records[0])[0]
            told.add(
                (notice.notice_id, notice.person.siren, notice.nature, notice.judgment_date, notice.court)
            )
        assert len(told) == 1
        assert told.pop()[:2] == ("A202602221001", SIREN)

    def test_an_extract_without_identifiers_is_the_same_notice_tomorrow(self) -> None:
        text = f"date_publication,type_annonce,commercant,siren,greffe,departement\n2026-08-02,RADIATIONS,UN,{SIREN},Paris,75\n"
        ids = {notices_of(read_records(text.encode()).records[0])[0][0].notice_id for _turn in range(2)}
        assert len(ids) == 1 and ids.pop().startswith("EXTRAIT-")

    def test_bad_records_are_told_by_their_number(self) -> None:
        content = json.dumps(
            {"results": [record(SIREN), 7, None, {"id": "A1"}, record(SIREN) | {"dateparution": "?"}]}
        )
        read = read_records(content.encode())
        assert [problem.number for problem in read.problems] == [2, 3]
        told = [problem for row in read.records for problem in notices_of(row)[1]]
        assert [(problem.number, problem.code) for problem in told] == [
            (4, "publication_date"),
            (5, "publication_date"),
        ]

    @pytest.mark.parametrize(
        "content", [b"", b" \n", b"\x00\x01", b"{", b"[" * 100_000, b"<html>", b"nom;age\n1;2", b'"x"']
    )
    def test_what_is_no_file_of_announcements_says_so(self, content: bytes) -> None:
        with pytest.raises(UnreadableFile):
            read_records(content)


class TestPersons:
    def test_several_persons_each_with_their_number(self) -> None:
        people = [
            {"typePersonne": "pm", "denomination": "UN", "numeroImmatriculation": {"numeroIdentification": "732 829 320"}},
            {"typePersonne": "pp", "nom": "DEUX", "prenom": "Anne", "numeroImmatriculation": {"numeroIdentification": "RCS Lyon A 552 032 534"}},
            {"typePersonne": "pp", "nom": "TROIS", "nonInscrit": "RCS non inscrit"},
        ]  # fmt: skip
        found = persons_of(
            {"listepersonnes": json.dumps({"personne": people}), "registre": ["732829320", "552032534"]}
        )
        assert [(person.name, person.siren, person.is_natural) for person in found] == [
            ("UN", SIREN, False), ("Anne DEUX", "552032534", True), ("TROIS", "", True),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("own", "register", "siren", "doubt"),
        [
            ("732 829 320", [SIREN], SIREN, ""),
            ("732829321", [], "", "siren_wrong"),
            ("732829321", [SIREN], "", "siren_contradiction"),
            ("552032534", [SIREN], "", "siren_contradiction"),
            ("", [SIREN, "732 829 320"], SIREN, ""),
            ("", "732 829 320,732829320", SIREN, ""),
            ("", [], "", "siren_missing"),
            ("000 000 000", [], "", "siren_wrong"),
        ],
    )
    def test_one_siren_or_none(self, own: str, register: Any, siren: str, doubt: str) -> None:
        person = {"denomination": "X", "numeroImmatriculation": {"numeroIdentification": own}}
        [found] = persons_of({"listepersonnes": {"personne": person}, "registre": register})
        assert (found.siren, found.doubts) == (siren, (doubt,) if doubt else ())

    def test_numbers_need_their_key(self) -> None:
        assert numbers_in("SIRET 732 829 320 00074 et tél. 0123456789") == ([SIREN], ["73282932000074"], [])


def test_the_addressee_is_found_in_free_text() -> None:
    found = representative_in(
        "désignant liquidateur SCP BTSG, 15 rue de l'Hôtel de Ville 92200 Neuilly. Les créances"
    )
    assert found is not None and (found.role, found.name, found.address) == (
        "liquidateur", "SCP BTSG", "15 rue de l'Hôtel de Ville\n92200 Neuilly",
    )  # fmt: skip
    assert (
        representative_in("Les créances sont à déclarer au mandataire judiciaire dans les deux mois.") is None
    )


def test_the_earlier_notice_is_named() -> None:
    value = {"nomPublication": "BODACC A", "numeroParution": "20260099", "numeroAnnonce": "1234"}
    for said in (json.dumps(value), value, [value]):
        [notice] = notices_of(Record(1, record(SIREN, typeavis="rectificatif", parutionavisprecedent=said)))[
            0
        ]
        assert (notice.notice_type, notice.earlier_id) == ("CORRECTION", "A202600991234")


def test_sirene_respects_partial_diffusion() -> None:
    unit = {
        "siren": SIREN, "statutDiffusionUniteLegale": "P",
        "periodesUniteLegale": [{"etatAdministratifUniteLegale": "C", "denominationUniteLegale": "SECRET", "dateFin": None}],
    }  # fmt: skip
    found = read_units(read_records(json.dumps({"uniteLegale": unit}).encode()), today=date(2026, 11, 23))
    assert found is not None
    [ceased] = found[0]
    assert (ceased.nature.kind, ceased.person.name) == ("CEASED", SIREN)
    open_unit = unit | {"statutDiffusionUniteLegale": "O"}
    found = read_units(
        read_records(json.dumps([{"uniteLegale": open_unit}]).encode()), today=date(2026, 11, 23)
    )
    assert found is not None and {notice.nature.kind for notice in found[0]} == {"CEASED", "RENAMED"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        name: JSON | JSON.map(json.dumps) | st.sampled_from(["2026-11-20", SIREN, "rectificatif", "collective"])
        for name in (
            "id", "dateparution", "familleavis", "typeavis", "jugement", "listepersonnes", "registre", "commercant",
            "parutionavisprecedent", "modificationsgenerales", "radiationaurcs", "depot", "acte", "url_complete",
            "uniteLegale", "siren", "etat_administratif", "periodesUniteLegale",
        )
    },
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(FIELDS)
def test_any_record_is_read_or_told(fields: dict[str, Any]) -> None:
    """Whatever its fields hold, a record gives notices or problems, and texts that a table can keep."""
    fields = {"dateparution": "2026-11-20"} | fields
    found, problems = notices_of(Record(1, fields))
    assert found or problems
    for notice in found:
        for text in (
            notice.notice_id,
            notice.person.name,
            notice.complement,
            notice.court,
            json.dumps(notice.facts),
        ):
            assert "\x00" not in text
            text.encode()


@settings(max_examples=100, deadline=None)
@given(JSON | FIELDS)
def test_any_json_is_read_or_refused(document: Any) -> None:
    try:
        read = read_records(json.dumps(document).encode())
    except UnreadableFile:
        return
    units = read_units(read, today=date(2026, 11, 23))
    assert units is None or all(notice.person.siren for notice in units[0])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read_records(content)
    except UnreadableFile:
        return


def test_texts_that_no_table_keeps_are_cleaned() -> None:
    assert clean("a\x00b\ud800c\u0007  d") == "a b?c d"
