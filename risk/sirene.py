"""Answers of the Sirene directory: companies closed, revived, renamed or moved. Pure.

Shapes: the official API (`uniteLegale`, `etablissement`, `etablissements`), the bulk rows of its stock files and the
keyless search (`results[].siren`). `statutDiffusion` P: the person opposed to diffusion, so that name and address are
left out and only the state is kept. Sirene does not tell insolvency.
"""

import hashlib
from datetime import date
from typing import Any

from risk.bodacc.identities import Person, as_dict, numbers_in
from risk.bodacc.natures import Nature
from risk.bodacc.notices import INITIAL, Notice
from risk.bodacc.records import Problem, ReadFile, Record
from risk.bodacc.texts import clean, parse_date

_UNIT_KEYS = ("uniteLegale", "unitesLegales", "etablissement", "etablissements")


def read_units(read: ReadFile, *, today: date) -> tuple[list[Notice], list[dict[str, object]]] | None:
    """The facts of a directory answer; None when the file is not one. `today` dates what the answer does not date."""
    rows = [row for record in read.records for row in _rows(record)]
    if not rows:
        return None
    notices: list[Notice] = []
    problems = [problem.told for problem in read.problems]
    for number, row in rows:
        found = _notices(number, row, today)
        if found is None:
            problems.append(Problem(number, "siren_wrong", clean(row.get("siren"), 40)).told)
        else:
            notices += found
    return notices, problems


def _rows(record: Record) -> list[tuple[int, dict[str, Any]]]:
    fields = record.fields
    found: list[dict[str, Any]] = []
    for key in _UNIT_KEYS:
        value = fields.get(key)
        if isinstance(value, dict):
            found.append(_joined(fields, value))
        elif isinstance(value, list):
            found += [_joined(fields, row) for row in value if isinstance(row, dict)]
    if not found and ("etatAdministratifUniteLegale" in fields or "statutDiffusionUniteLegale" in fields):
        found.append(fields)
    if not found and "siren" in fields and ("etat_administratif" in fields or "siege" in fields):
        found.append(fields)
    return [(record.number, row) for row in found]


def _joined(outer: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """An establishment with the unit that stands inside or beside it."""
    unit = as_dict(row.get("uniteLegale")) or as_dict(outer.get("uniteLegale"))
    return {**unit, **row} if unit is not row else row


def _notices(number: int, row: dict[str, Any], today: date) -> list[Notice] | None:
    sirens, sirets, _wrong = numbers_in(f"{clean(row.get('siren'), 40)} | {clean(row.get('siret'), 40)}")
    if len(sirens) != 1:
        return None
    siren = sirens[0]
    period = _current_period(row)
    partial = "P" in {
        clean(row.get("statutDiffusionUniteLegale"), 2).upper(),
        clean(row.get("statutDiffusionEtablissement"), 2).upper(),
        clean(row.get("statut_diffusion"), 2).upper(),
    }
    state = clean(period.get("etatAdministratifUniteLegale") or row.get("etatAdministratifUniteLegale") or row.get("etat_administratif"), 2).upper()  # fmt: skip
    name = "" if partial else _name(row, period)
    since = parse_date(period.get("dateDebut") or row.get("date_fermeture") or row.get("dateDernierTraitementUniteLegale"))  # fmt: skip
    person = Person(
        name=name or siren,
        siren=siren,
        siret=sirets[0] if sirets else "",
        register_number=siren,
        is_natural=clean(period.get("categorieJuridiqueUniteLegale") or row.get("nature_juridique"), 6)
        == "1000",
    )
    facts: dict[str, Any] = {"partial_diffusion": True} if partial else {}
    if naf := clean(period.get("activitePrincipaleUniteLegale") or row.get("activite_principale"), 10):
        facts["activity"] = naf
        facts["nomenclature"] = clean(period.get("nomenclatureActivitePrincipaleUniteLegale"), 20)
    found = []
    if state == "C":
        found.append(("CEASED", {**facts, **({"ceased_on": since.isoformat()} if since else {})}))
    elif state == "A":
        found.append(("REVIVED", facts))
    if name:
        found.append(("RENAMED", {**facts, "name": name}))
    address = "" if partial else _address(row)
    if address:
        found.append(("MOVED", {**facts, "address": address}))
    return [
        Notice(
            number=number,
            notice_id=_key(kind, siren, said, since),
            person_rank=1,
            person=person,
            nature=Nature(kind),
            notice_type=INITIAL,
            publication_date=today,
            judgment_date=None,
            family="Sirene",
            facts=said,
        )
        for kind, said in found
    ]


def _key(kind: str, siren: str, facts: dict[str, Any], since: date | None) -> str:
    """The same fact of the same company is the same event, whichever answer tells it."""
    said = "|".join([facts.get("name", ""), facts.get("address", ""), facts.get("ceased_on", "")])
    return f"SIRENE-{siren}-{kind}-" + hashlib.sha256(f"{said}|{since or ''}".encode()).hexdigest()[:16]


def _current_period(row: dict[str, Any]) -> dict[str, Any]:
    """The period without an end, else the latest; the row itself where there are none."""
    periods = row.get("periodesUniteLegale")
    known = [period for period in periods if isinstance(period, dict)] if isinstance(periods, list) else []
    for period in known:
        if not period.get("dateFin"):
            return period
    return max(known, key=lambda period: clean(period.get("dateDebut"), 20), default=row)


def _name(row: dict[str, Any], period: dict[str, Any]) -> str:
    for values in (period, row):
        for key in ("denominationUniteLegale", "nom_raison_sociale", "nom_complet"):
            if name := clean(values.get(key), 200):
                return "" if name == "[ND]" else name
    return ""


def _address(row: dict[str, Any]) -> str:
    parts = as_dict(row.get("adresseEtablissement"))
    if not parts:
        seat = as_dict(row.get("siege"))
        return clean(seat.get("adresse"), 300) if seat else ""
    street = " ".join(
        text
        for key in ("numeroVoieEtablissement", "indiceRepetitionEtablissement", "typeVoieEtablissement", "libelleVoieEtablissement")
        if (text := clean(parts.get(key), 100)) and text != "[ND]"
    )  # fmt: skip
    town = f"{clean(parts.get('codePostalEtablissement'), 10)} {clean(parts.get('libelleCommuneEtablissement'), 80)}".strip()
    return "\n".join(
        line
        for line in (clean(parts.get("complementAdresseEtablissement"), 100), street, town)
        if line and "[ND]" not in line
    )
