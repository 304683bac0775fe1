"""The cells of the French tax return that a credit manager reads, and the sums that must come out.

Forms 2050 (assets), 2051 (liabilities), 2052 and 2053 (profit and loss) of the normal regime, 2033-A and 2033-B of the
simplified one, as they stood before the plan comptable of 2025. A cell is known by its code alone, so that a change of
form is a change of this table. Assets have a gross cell and one for depreciation: net is the difference.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NORMAL = "NORMAL"
SIMPLIFIED = "SIMPLIFIED"
KEY_FIGURES = "KEY_FIGURES"


@dataclass(frozen=True)
class Cell:
    code: str
    label: "str | Promise"
    is_total: bool = False


@dataclass(frozen=True)
class Section:
    """A block of a form, with its cells in the order of the print."""

    form: str
    key: str
    title: "str | Promise"
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Sum:
    """`total` = Σ `plus` − Σ `minus`."""

    total: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        return self.plus + self.minus

    def of(self, values: Mapping[str, Decimal]) -> Decimal:
        zero = Decimal(0)
        return sum((values.get(code, zero) for code in self.plus), zero) - sum(
            (values.get(code, zero) for code in self.minus), zero
        )

    def formula(self) -> str:
        text = " + ".join(self.plus)
        return text + "".join(f" − {code}" for code in self.minus)


@dataclass(frozen=True)
class SumFault:
    """A sum that does not come out: what the cell says, and what its parts make."""

    total: str
    formula: str
    told: Decimal
    found: Decimal


def _cells(*rows: "tuple[str, str | Promise] | tuple[str, str | Promise, bool]") -> tuple[Cell, ...]:
    return tuple(Cell(*row) for row in rows)


def _pairs(*rows: "tuple[str, str, str | Promise]") -> tuple[Cell, ...]:
    """Gross and depreciation of the same line of assets."""
    return tuple(
        cell
        for gross, less, label in rows
        for cell in (Cell(gross, label), Cell(less, _("dont amortissements et dépréciations")))
    )


_2050 = Section(
    NORMAL,
    "2050",
    _("2050 · Actif"),
    (
        Cell("AA", _("Capital souscrit non appelé")),
        Cell("BJ", _("Actif immobilisé, total I (brut)"), True),
        Cell("BK", _("dont amortissements et dépréciations"), True),
        *_pairs(
            ("BL", "BM", _("Matières premières, approvisionnements")),
            ("BN", "BO", _("En-cours de production de biens")),
            ("BP", "BQ", _("En-cours de production de services")),
            ("BR", "BS", _("Produits intermédiaires et finis")),
            ("BT", "BU", _("Marchandises")),
            ("BV", "BW", _("Avances et acomptes versés sur commandes")),
            ("BX", "BY", _("Clients et comptes rattachés")),
            ("BZ", "CA", _("Autres créances")),
            ("CB", "CC", _("Capital souscrit et appelé, non versé")),
            ("CD", "CE", _("Valeurs mobilières de placement")),
            ("CF", "CG", _("Disponibilités")),
            ("CH", "CI", _("Charges constatées d’avance")),
        ),
        Cell("CJ", _("Actif circulant, total II (brut)"), True),
        Cell("CK", _("dont dépréciations"), True),
        Cell("CW", _("Frais d’émission d’emprunt à étaler")),
        Cell("CM", _("Primes de remboursement des obligations")),
        Cell("CN", _("Écarts de conversion actif")),
        Cell("CO", _("Total général de l’actif (brut)"), True),
        Cell("1A", _("Total des amortissements et dépréciations"), True),
    ),
)
_2051 = Section(
    NORMAL,
    "2051",
    _("2051 · Passif"),
    _cells(
        ("DA", _("Capital social ou individuel")),
        ("DB", _("Primes d’émission, de fusion, d’apport")),
        ("DC", _("Écarts de réévaluation")),
        ("DD", _("Réserve légale")),
        ("DE", _("Réserves statutaires ou contractuelles")),
        ("DF", _("Réserves réglementées")),
        ("DG", _("Autres réserves")),
        ("DH", _("Report à nouveau")),
        ("DI", _("Résultat de l’exercice")),
        ("DJ", _("Subventions d’investissement")),
        ("DK", _("Provisions réglementées")),
        ("DL", _("Capitaux propres, total I"), True),
        ("DM", _("Produit des émissions de titres participatifs")),
        ("DN", _("Avances conditionnées")),
        ("DO", _("Autres fonds propres, total II"), True),
        ("DP", _("Provisions pour risques")),
        ("DQ", _("Provisions pour charges")),
        ("DR", _("Provisions, total III"), True),
        ("DS", _("Emprunts obligataires convertibles")),
        ("DT", _("Autres emprunts obligataires")),
        ("DU", _("Emprunts auprès des établissements de crédit")),
        ("DV", _("Emprunts et dettes financières divers")),
        ("DW", _("Avances et acomptes reçus sur commandes")),
        ("DX", _("Dettes fournisseurs et comptes rattachés")),
        ("DY", _("Dettes fiscales et sociales")),
        ("DZ", _("Dettes sur immobilisations")),
        ("EA", _("Autres dettes")),
        ("EB", _("Produits constatés d’avance")),
        ("EC", _("Dettes, total IV"), True),
        ("ED", _("Écarts de conversion passif")),
        ("EE", _("Total général du passif"), True),
        ("EH", _("Renvoi : dont concours bancaires courants (dans DU)")),
    ),
)
_2052 = Section(
    NORMAL,
    "2052",
    _("2052 · Compte de résultat"),
    _cells(
        ("FL", _("Chiffre d’affaires net")),
        ("FM", _("Production stockée")),
        ("FN", _("Production immobilisée")),
        ("FO", _("Subventions d’exploitation")),
        ("FP", _("Reprises et transferts de charges")),
        ("FQ", _("Autres produits")),
        ("FR", _("Produits d’exploitation, total I"), True),
        ("FS", _("Achats de marchandises")),
        ("FT", _("Variation de stock de marchandises")),
        ("FU", _("Achats de matières premières")),
        ("FV", _("Variation de stock de matières")),
        ("FW", _("Autres achats et charges externes")),
        ("FX", _("Impôts, taxes et versements assimilés")),
        ("FY", _("Salaires et traitements")),
        ("FZ", _("Charges sociales")),
        ("GA", _("Dotations aux amortissements")),
        ("GB", _("Dépréciations des immobilisations")),
        ("GC", _("Dépréciations de l’actif circulant")),
        ("GD", _("Dotations aux provisions")),
        ("GE", _("Autres charges")),
        ("GF", _("Charges d’exploitation, total II"), True),
        ("GG", _("Résultat d’exploitation"), True),
        ("GH", _("Bénéfice attribué ou perte transférée")),
        ("GI", _("Perte supportée ou bénéfice transféré")),
        ("GP", _("Produits financiers, total V")),
        ("GR", _("Intérêts et charges assimilées (dans GU)")),
        ("GU", _("Charges financières, total VI")),
        ("GV", _("Résultat financier"), True),
        ("GW", _("Résultat courant avant impôts"), True),
    ),
)
_2053 = Section(
    NORMAL,
    "2053",
    _("2053 · Compte de résultat (suite)"),
    _cells(
        ("HD", _("Produits exceptionnels, total VII")),
        ("HH", _("Charges exceptionnelles, total VIII")),
        ("HI", _("Résultat exceptionnel"), True),
        ("HJ", _("Participation des salariés")),
        ("HK", _("Impôts sur les bénéfices")),
        ("HL", _("Total des produits"), True),
        ("HM", _("Total des charges"), True),
        ("HN", _("Bénéfice ou perte"), True),
        ("HP", _("Renvoi : crédit-bail mobilier")),
        ("HQ", _("Renvoi : crédit-bail immobilier")),
    ),
)
_2033A = Section(
    SIMPLIFIED,
    "2033-A",
    _("2033-A · Bilan simplifié"),
    (
        Cell("044", _("Actif immobilisé, total I (brut)"), True),
        Cell("048", _("dont amortissements et dépréciations"), True),
        *_pairs(
            ("050", "052", _("Matières premières, en-cours")),
            ("060", "062", _("Marchandises")),
            ("064", "066", _("Avances et acomptes versés sur commandes")),
            ("068", "070", _("Clients et comptes rattachés")),
            ("072", "074", _("Autres créances")),
            ("080", "082", _("Valeurs mobilières de placement")),
            ("084", "086", _("Disponibilités")),
            ("092", "094", _("Charges constatées d’avance")),
        ),
        *_cells(
            ("096", _("Actif circulant, total II (brut)"), True),
            ("098", _("dont dépréciations"), True),
            ("110", _("Total général de l’actif (brut)"), True),
            ("112", _("Total des amortissements et dépréciations"), True),
            ("120", _("Capital social ou individuel")),
            ("124", _("Écarts de réévaluation")),
            ("126", _("Réserve légale")),
            ("130", _("Réserves réglementées")),
            ("132", _("Autres réserves")),
            ("134", _("Report à nouveau")),
            ("136", _("Résultat de l’exercice")),
            ("140", _("Provisions réglementées")),
            ("142", _("Capitaux propres, total I"), True),
            ("154", _("Provisions pour risques et charges, total II")),
            ("156", _("Emprunts et dettes assimilées")),
            ("164", _("Avances et acomptes reçus")),
            ("166", _("Dettes fournisseurs et comptes rattachés")),
            ("172", _("Autres dettes")),
            ("174", _("Produits constatés d’avance")),
            ("176", _("Dettes, total III"), True),
            ("180", _("Total général du passif"), True),
            ("195", _("Renvoi : dont dettes à plus d’un an")),
        ),
    ),
)
_2033B = Section(
    SIMPLIFIED,
    "2033-B",
    _("2033-B · Compte de résultat simplifié"),
    _cells(
        ("210", _("Ventes de marchandises")),
        ("214", _("Production vendue, biens")),
        ("218", _("Production vendue, services")),
        ("222", _("Production stockée")),
        ("224", _("Production immobilisée")),
        ("226", _("Subventions d’exploitation")),
        ("230", _("Autres produits")),
        ("232", _("Produits d’exploitation, total I"), True),
        ("234", _("Achats de marchandises")),
        ("236", _("Variation de stock de marchandises")),
        ("238", _("Achats de matières premières")),
        ("240", _("Variation de stock de matières")),
        ("242", _("Autres charges externes")),
        ("244", _("Impôts, taxes et versements assimilés")),
        ("250", _("Rémunérations du personnel")),
        ("252", _("Charges sociales")),
        ("254", _("Dotations aux amortissements")),
        ("256", _("Dotations aux provisions")),
        ("262", _("Autres charges")),
        ("264", _("Charges d’exploitation, total II"), True),
        ("270", _("Résultat d’exploitation"), True),
        ("280", _("Produits financiers")),
        ("290", _("Produits exceptionnels")),
        ("294", _("Charges financières")),
        ("300", _("Charges exceptionnelles")),
        ("306", _("Impôts sur les bénéfices")),
        ("310", _("Bénéfice ou perte"), True),
    ),
)
_KEY = Section(
    KEY_FIGURES,
    "key",
    _("Chiffres clés"),
    _cells(
        ("total_assets", _("Total du bilan")),
        ("equity", _("Capitaux propres")),
        ("share_capital", _("Capital social")),
        ("financial_debts", _("Dettes financières")),
        ("suppliers", _("Dettes fournisseurs")),
        ("total_debts", _("Total des dettes")),
        ("cash", _("Disponibilités")),
        ("working_capital", _("Fonds de roulement net global")),
        ("turnover", _("Chiffre d’affaires net")),
        ("value_added", _("Valeur ajoutée")),
        ("ebe", _("Excédent brut d’exploitation")),
        ("operating_result", _("Résultat d’exploitation")),
        ("cash_flow", _("Capacité d’autofinancement")),
        ("net_result", _("Résultat net")),
    ),
)

SECTIONS = (_2050, _2051, _2052, _2053, _2033A, _2033B, _KEY)
CELLS: Mapping[str, Cell] = {cell.code: cell for section in SECTIONS for cell in section.cells}
_STOCKS_AND_CLAIMS = ("BL", "BN", "BP", "BR", "BT", "BV", "BX", "BZ", "CB", "CD", "CF", "CH")
_LESS = ("BM", "BO", "BQ", "BS", "BU", "BW", "BY", "CA", "CC", "CE", "CG", "CI")

# Innermost first, so that totals left out can be made from below.
SUMS: Mapping[str, tuple[Sum, ...]] = {
    NORMAL: (
        Sum("CJ", _STOCKS_AND_CLAIMS),
        Sum("CK", _LESS),
        Sum("CO", ("AA", "BJ", "CJ", "CW", "CM", "CN")),
        Sum("1A", ("BK", "CK")),
        Sum("DL", ("DA", "DB", "DC", "DD", "DE", "DF", "DG", "DH", "DI", "DJ", "DK")),
        Sum("DO", ("DM", "DN")),
        Sum("DR", ("DP", "DQ")),
        Sum("EC", ("DS", "DT", "DU", "DV", "DW", "DX", "DY", "DZ", "EA", "EB")),
        Sum("EE", ("DL", "DO", "DR", "EC", "ED")),
        Sum("FR", ("FL", "FM", "FN", "FO", "FP", "FQ")),
        Sum("GF", ("FS", "FT", "FU", "FV", "FW", "FX", "FY", "FZ", "GA", "GB", "GC", "GD", "GE")),
        Sum("GG", ("FR",), ("GF",)),
        Sum("GV", ("GP",), ("GU",)),
        Sum("GW", ("GG", "GH", "GV"), ("GI",)),
        Sum("HI", ("HD",), ("HH",)),
        Sum("HL", ("FR", "GH", "GP", "HD")),
        Sum("HM", ("GF", "GI", "GU", "HH", "HJ", "HK")),
        Sum("HN", ("HL",), ("HM",)),
    ),
    SIMPLIFIED: (
        Sum("096", ("050", "060", "064", "068", "072", "080", "084", "092")),
        Sum("098", ("052", "062", "066", "070", "074", "082", "086", "094")),
        Sum("110", ("044", "096")),
        Sum("112", ("048", "098")),
        Sum("142", ("120", "124", "126", "130", "132", "134", "136", "140")),
        Sum("176", ("156", "164", "166", "172", "174")),
        Sum("180", ("142", "154", "176")),
        Sum("232", ("210", "214", "218", "222", "224", "226", "230")),
        Sum("264", ("234", "236", "238", "240", "242", "244", "250", "252", "254", "256", "262")),
        Sum("270", ("232",), ("264",)),
        Sum("310", ("270", "280", "290"), ("294", "300", "306")),
    ),
    KEY_FIGURES: (),
}
# Net assets = liabilities; the year's result stands in both statements.
EQUALITIES: Mapping[str, tuple[Sum, ...]] = {
    NORMAL: (Sum("EE", ("CO",), ("1A",)), Sum("DI", ("HN",))),
    SIMPLIFIED: (Sum("180", ("110",), ("112",)), Sum("136", ("310",))),
    KEY_FIGURES: (),
}


def sections_of(form: str) -> tuple[Section, ...]:
    """The blocks of a form, in the order of the print."""
    return tuple(section for section in SECTIONS if section.form == form)


def tolerance(unit: int) -> Decimal:
    """What rounding to the document's unit may move a sum by: two units."""
    return Decimal(2 * unit)


def completed(form: str, values: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The cells with the totals that were left out, made from their parts (an empty part is zero)."""
    found = dict(values)
    for rule in SUMS[form]:
        if rule.total not in found and any(code in found for code in rule.parts):
            found[rule.total] = rule.of(found)
    return found


def faults(form: str, values: Mapping[str, Decimal], unit: int) -> list[SumFault]:
    """The sums and equalities that do not come out, where the document gives both sides of them."""
    found = []
    for rule in SUMS[form]:
        if rule.total in values and any(code in values for code in rule.parts):
            found += _fault(rule, values, unit)
    for rule in EQUALITIES[form]:
        if rule.total in values and any(code in values for code in rule.plus):
            found += _fault(rule, values, unit)
    return found


def _fault(rule: Sum, values: Mapping[str, Decimal], unit: int) -> list[SumFault]:
    made = rule.of(values)
    if abs(made - values[rule.total]) <= tolerance(unit):
        return []
    return [SumFault(rule.total, rule.formula(), values[rule.total], made)]


def closed_parts(form: str, values: Mapping[str, Decimal], unit: int) -> set[str]:
    """The empty cells that are known to be zero: their total comes out without them."""
    known: set[str] = set()
    for rule in SUMS[form]:
        if rule.total in values and not _fault(rule, values, unit):
            known.update(code for code in rule.parts if code not in values)
    return known


def unknown_codes(codes: Iterable[str]) -> list[str]:
    """The codes that are no cell of ours."""
    return [code for code in codes if code not in CELLS]
