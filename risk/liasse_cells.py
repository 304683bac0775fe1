"""The cells of the French tax return that a credit manager reads, form by form.

Forms 2050 (assets), 2051 (liabilities), 2052 and 2053 (profit and loss) of the normal regime, 2033-A and 2033-B of the
simplified one, as they stood before the plan comptable of 2025. A cell is known by its code alone, so that a change of
form is a change of this table. Assets have a gross cell and one for depreciation: net is the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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
        ("EH", _("Renvoi : dont concours bancaires courants (dans DU)")),
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
        ("HP", _("Renvoi : crédit-bail mobilier")),
        ("HQ", _("Renvoi : crédit-bail immobilier")),
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
            ("195", _("Renvoi : dont dettes à plus d’un an")),
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


def sections_of(form: str) -> tuple[Section, ...]:
    """The blocks of a form, in the order of the print."""
    return tuple(section for section in SECTIONS if section.form == form)
