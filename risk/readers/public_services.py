"""Answers of public services, as they come: balance sheets of the Banque de France, tax returns and turnover of the
DGFiP, ratios of the INPI / BCE set. And our own shape: {"statements": [...], "ratings": [...]}.

The services of « API Entreprise » answer about one company and do not repeat its SIREN: it is given beside the file.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from risk.readers.rows import FORMS, RATING, OutsideRow, is_cell

# What the Banque de France computes itself -> our key figures.
_COMPUTED = {
    "disponibilites": "cash",
    "total_dettes_stables": "financial_debts",
    "valeur_ajoutee_bdf": "value_added",
    "excedent_brut_exploitation": "ebe",
    "capacite_autofinancement": "cash_flow",
    "fonds_roulement_net_global": "working_capital",
}
# The ratios set: amounts -> our key figures.
_RATIO_AMOUNTS = {
    "chiffre_d_affaires": "turnover",
    "resultat_net": "net_result",
    "ebe": "ebe",
    "ebit": "operating_result",
}
_BANK_BALANCE_SHEETS = ("A", "B")
_MARGIN_GAP = Decimal("0.5")
_DAYS_A_MONTH = Decimal("30.4")
_BASES = ("INDIVIDUAL", "CONSOLIDATED")
_PUBLICITIES = ("DEPOSITED", "CONFIDENTIAL", "NOT_DEPOSITED", "UNKNOWN")


def rows_of(data: Any, siren: str) -> "Iterator[OutsideRow] | None":
    """The rows of an answer; None when it is none of the shapes known."""
    if isinstance(data, list):
        if data and all(isinstance(row, Mapping) and "date_cloture_exercice" in row for row in data):
            return _ratios(data, siren)
        return None
    if not isinstance(data, Mapping):
        return None
    if isinstance(data.get("statements"), list) or isinstance(data.get("ratings"), list):
        return _own(data)
    inner = data.get("data")
    if isinstance(inner, Mapping) and isinstance(inner.get("declarations"), list):
        return _tax_office(inner["declarations"], siren)
    if isinstance(inner, list) and inner:
        years = [row.get("data") for row in inner if isinstance(row, Mapping)]
        if all(isinstance(year, Mapping) and "declarations" in year for year in years):
            return _banque_de_france(years, siren)
        if all(isinstance(year, Mapping) and "chiffre_affaires" in year for year in years):
            return _turnover(years, siren)
    return None


def _banque_de_france(years: list[Any], siren: str) -> Iterator[OutsideRow]:
    for number, year in enumerate(years, start=1):
        row = OutsideRow(number, source="BDF", publicity="UNKNOWN")
        row.set_siren(siren)
        row.set_period_end(year.get("date_arrete_exercice"), "date_arrete_exercice")
        for declaration in _mappings(year.get("declarations")):
            _cells(row, declaration)
        for block in _mappings(year.get("valeurs_calculees")):
            for name, ours in _COMPUTED.items():
                found = block.get(name)
                row.set_amount(ours, found.get("valeur") if isinstance(found, Mapping) else None, column=name)
        yield row


def _tax_office(declarations: list[Any], siren: str) -> Iterator[OutsideRow]:
    """One year is several declarations (2050, 2051 …) with the same end."""
    years: dict[str, OutsideRow] = {}
    for declaration in _mappings(declarations):
        end = str(declaration.get("date_fin_exercice", ""))
        row = years.get(end)
        if row is None:
            row = years[end] = OutsideRow(len(years) + 1, source="DGFIP")
            row.set_siren(siren)
            row.set_period_end(end, "date_fin_exercice")
            days = row.whole(declaration.get("duree_exercice"), "duree_exercice", 365)
            row.months = min(max(int((days / _DAYS_A_MONTH).to_integral_value()), 1), 24)
        if str(declaration.get("numero_imprime", "")).startswith("2033"):
            row.form = "SIMPLIFIED"
        _cells(row, declaration)
    yield from years.values()


def _cells(row: OutsideRow, declaration: Mapping[str, Any]) -> None:
    for cell in _mappings(declaration.get("donnees")):
        code, values = str(cell.get("code", "")).strip(), cell.get("valeurs")
        if is_cell(code) and isinstance(values, list) and values:
            row.set_amount(code, values[0])


def _turnover(years: list[Any], siren: str) -> Iterator[OutsideRow]:
    for number, year in enumerate(years, start=1):
        row = OutsideRow(number, source="DGFIP", form="KEY_FIGURES")
        row.set_siren(siren)
        row.set_period_end(year.get("date_fin_exercice"), "date_fin_exercice")
        row.set_amount("turnover", year.get("chiffre_affaires"), column="chiffre_affaires")
        yield row


def _ratios(rows: list[Any], siren: str) -> Iterator[OutsideRow]:
    for number, given in enumerate(rows, start=1):
        row = OutsideRow(number, source="RATIOS", form="KEY_FIGURES")
        row.set_siren(given.get("siren") or siren)
        row.set_period_end(given.get("date_cloture_exercice"), "date_cloture_exercice")
        kind = str(given.get("type_bilan", ""))
        row.basis = "CONSOLIDATED" if kind == "K" else "INDIVIDUAL"
        if kind in _BANK_BALANCE_SHEETS:
            row.fail("BANK_BALANCE_SHEET", "type_bilan", kind)
        if str(given.get("confidentiality", "")).lower().startswith("public"):
            row.publicity = "DEPOSITED"
        elif given.get("confidentiality"):
            row.publicity = "CONFIDENTIAL"
        for name, ours in _RATIO_AMOUNTS.items():
            row.set_amount(ours, given.get(name), column=name)
        _check_margin(row, given)
        yield row


def _check_margin(row: OutsideRow, given: Mapping[str, Any]) -> None:
    """The published margin must be that of the published amounts: some turnovers are a hundred times too large."""
    turnover, ebe = row.values.get("turnover"), row.values.get("ebe")
    try:
        told = Decimal(str(given.get("marge_ebe")))
    except InvalidOperation:
        return
    if turnover is None or ebe is None or Decimal(turnover) <= 0 or not told.is_finite():
        return
    found = Decimal(ebe) / Decimal(turnover) * 100
    if abs(found - told) > max(_MARGIN_GAP, abs(told) / 20):
        row.fail("CONTRADICTION", "marge_ebe", f"{told:.3f}", found=f"{found:.3f}")


def _own(data: Mapping[str, Any]) -> Iterator[OutsideRow]:
    number = 0
    for given in _mappings(data.get("statements")):
        number += 1
        row = _identified(OutsideRow(number, source="API"), given)
        row.form = row.choice(given.get("form"), "form", FORMS, "NORMAL")
        row.basis = row.choice(given.get("basis"), "basis", _BASES, "INDIVIDUAL")
        row.publicity = row.choice(given.get("publicity"), "publicity", _PUBLICITIES, "UNKNOWN")
        row.set_period_end(given.get("period_end"))
        row.months = row.whole(given.get("months"), "months", 12)
        row.unit = row.whole(given.get("unit"), "unit", 1)
        row.currency = str(given.get("currency") or "EUR").strip().upper()[:3]
        for name, previous in (("values", False), ("previous", True)):
            cells = given.get(name)
            if cells is not None and not isinstance(cells, Mapping):
                row.fail("SHAPE", name)
                continue
            for code, value in (cells or {}).items():
                if is_cell(str(code)):
                    row.set_amount(str(code), value, previous=previous)
                else:
                    row.fail("CELL", str(code))
        yield row
    for given in _mappings(data.get("ratings")):
        number += 1
        row = _identified(OutsideRow(number, what=RATING, source="API"), given)
        read_rating_cells(row, given)
        yield row


def read_rating_cells(row: OutsideRow, given: Mapping[str, Any]) -> None:
    """The values of a rating, from a row of ours or of a table."""
    row.scale = str(given.get("scale") or "").strip().upper()[:30]
    row.value = str(given.get("value") if given.get("value") is not None else "").strip()[:20]
    row.rated_on = row.day(given.get("rated_on"), "rated_on", required=True)
    row.valid_until = row.day(given.get("valid_until"), "valid_until")
    row.reference = str(given.get("reference") or "").strip()[:80]
    for name in ("scale", "value"):
        if not getattr(row, name):
            row.fail("REQUIRED", name)


def _identified(row: OutsideRow, given: Mapping[str, Any]) -> OutsideRow:
    row.set_siren(given.get("siren"))
    row.customer = str(given.get("customer") or "").strip()[:40]
    row.entity = str(given.get("legal_entity") or "").strip()[:20]
    return row


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
