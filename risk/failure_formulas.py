"""The published failure functions as data: coefficients, thresholds and sources."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Zone(StrEnum):
    SAFE = "SAFE"
    GREY = "GREY"
    DISTRESS = "DISTRESS"


@dataclass(frozen=True)
class Band:
    """From `lowest` (excluded when `strictly`) upwards; None: everything below."""

    lowest: Decimal | None
    zone: Zone
    words: "str | Promise"
    strictly: bool = False

    def holds(self, value: Decimal) -> bool:
        return self.lowest is None or (value > self.lowest if self.strictly else value >= self.lowest)


@dataclass(frozen=True)
class Term:
    """`coefficient` × over ÷ under; both are names of `Figures`. Without `under`, the figure itself."""

    symbol: str
    coefficient: Decimal
    over: str
    under: str = ""


@dataclass(frozen=True)
class FailureFunction:
    """A published function: its sum, how it is read (best band first) and where it comes from."""

    key: str
    name: "str | Promise"
    year: int
    formula: str
    constant: Decimal
    terms: tuple[Term, ...]
    bands: tuple[Band, ...]
    source: str
    note: "str | Promise" = ""
    meant_for: "str | Promise" = ""


def _d(text: str) -> Decimal:
    return Decimal(text)


def _t(symbol: str, coefficient: str, over: str, under: str = "") -> Term:
    return Term(symbol, Decimal(coefficient), over, under)


def _bands(safe: str, distress: str) -> tuple[Band, ...]:
    return (
        Band(_d(safe), Zone.SAFE, _("zone sûre"), strictly=True),
        Band(_d(distress), Zone.GREY, _("zone grise")),
        Band(None, Zone.DISTRESS, _("zone de détresse")),
    )


CONAN_HOLDER = FailureFunction(
    "conan_holder",
    "Conan-Holder (N)",
    1979,
    "N = 24·X1 + 22·X2 + 16·X3 − 87·X4 − 10·X5",
    Decimal(0),
    (
        _t("X1", "24", "ebe", "total_debts"),
        _t("X2", "22", "permanent_capital", "total_assets"),
        _t("X3", "16", "liquid_assets", "total_assets"),
        _t("X4", "-87", "interest", "turnover"),
        _t("X5", "-10", "personnel", "value_added"),
    ),
    (
        Band(_d("16"), Zone.SAFE, _("moins de 10 % de défaillance"), strictly=True),
        Band(_d("9"), Zone.SAFE, _("10 à 30 % de défaillance")),
        Band(_d("4"), Zone.GREY, _("30 à 65 % de défaillance")),
        Band(None, Zone.DISTRESS, _("plus de 65 % de défaillance")),
    ),
    "J. Conan, M. Holder, Variables explicatives de performances et contrôle de gestion dans les PMI, 1979",
    note=_("Probabilité de défaillance à trois ans lue par tranches."),
    meant_for=_("PMI françaises"),
)
ALTMAN_Z = FailureFunction(
    "altman_z",
    "Altman Z",
    1968,
    "Z = 1,2·X1 + 1,4·X2 + 3,3·X3 + 0,6·X4 + 1,0·X5",
    Decimal(0),
    (
        _t("X1", "1.2", "working_capital", "total_assets"),
        _t("X2", "1.4", "retained_earnings", "total_assets"),
        _t("X3", "3.3", "operating_result", "total_assets"),
        _t("X4", "0.6", "market_value", "total_liabilities"),
        _t("X5", "1.0", "turnover", "total_assets"),
    ),
    _bands("2.99", "1.81"),
    "E. Altman, Journal of Finance 23(4), 1968, p. 589-609",
    note=_("Il faut la valeur boursière : sans elle, lire Z′."),
    meant_for=_("industrie cotée (États-Unis)"),
)
_PRIVATE = (
    _t("X1", "0.717", "working_capital", "total_assets"),
    _t("X2", "0.847", "retained_earnings", "total_assets"),
    _t("X3", "3.107", "operating_result", "total_assets"),
    _t("X4", "0.420", "equity", "total_liabilities"),
    _t("X5", "0.998", "turnover", "total_assets"),
)
ALTMAN_Z1 = FailureFunction(
    "altman_z_prime",
    "Altman Z′",
    1983,
    "Z′ = 0,717·X1 + 0,847·X2 + 3,107·X3 + 0,420·X4 + 0,998·X5",
    Decimal(0),
    _PRIVATE,
    _bands("2.90", "1.23"),
    "E. Altman, Corporate Financial Distress, Wiley, 1983",
    meant_for=_("industrie non cotée"),
)
_SERVICES = (
    _t("X1", "6.56", "working_capital", "total_assets"),
    _t("X2", "3.26", "retained_earnings", "total_assets"),
    _t("X3", "6.72", "operating_result", "total_assets"),
    _t("X4", "1.05", "equity", "total_liabilities"),
)
ALTMAN_Z2 = FailureFunction(
    "altman_z_second",
    "Altman Z″",
    1995,
    "Z″ = 6,56·X1 + 3,26·X2 + 6,72·X3 + 1,05·X4",
    Decimal(0),
    _SERVICES,
    _bands("2.60", "1.10"),
    "E. Altman, J. Hartzell, M. Peck, Salomon Brothers, 1995",
    meant_for=_("hors industrie, non cotée"),
)
ALTMAN_Z2_EM = FailureFunction(
    "altman_z_second_em",
    _("Altman Z″, marchés émergents"),
    1995,
    "3,25 + 6,56·X1 + 3,26·X2 + 6,72·X3 + 1,05·X4",
    _d("3.25"),
    _SERVICES,
    _bands("5.85", "4.35"),
    "E. Altman, J. Hartzell, M. Peck, Salomon Brothers, 1995",
    note=_("Seuils lus dans une source secondaire."),
    meant_for=_("hors industrie, marchés émergents"),
)
ZMIJEWSKI = FailureFunction(
    "zmijewski",
    "Zmijewski (X)",
    1984,
    "X = −4,336 − 4,513·X1 + 5,679·X2 + 0,004·X3 ; probabilité Φ(X)",
    _d("-4.336"),
    (
        _t("X1", "-4.513", "net_result", "total_assets"),
        _t("X2", "5.679", "total_liabilities", "total_assets"),
        _t("X3", "0.004", "current_assets", "current_liabilities"),
    ),
    (
        Band(_d("0"), Zone.DISTRESS, _("détresse probable"), strictly=True),
        Band(None, Zone.SAFE, _("pas de détresse attendue")),
    ),
    "M. Zmijewski, Journal of Accounting Research 22, 1984, p. 59-82",
    note=_("Plus la valeur est haute, plus le risque l’est. Le signe de X3 varie selon les éditions."),
)
OHLSON = FailureFunction(
    "ohlson",
    "Ohlson (O)",
    1980,
    "O = −1,32 − 0,407·ln(actif ÷ indice) + 6,03·X2 − 1,43·X3 + 0,0757·X4 − 1,72·X5 − 2,37·X6 − 1,83·X7 + 0,285·X8 − 0,521·X9",
    _d("-1.32"),
    (
        _t("X2", "6.03", "total_liabilities", "total_assets"),
        _t("X3", "-1.43", "working_capital", "total_assets"),
        _t("X4", "0.0757", "current_liabilities", "current_assets"),
        _t("X6", "-2.37", "net_result", "total_assets"),
        _t("X7", "-1.83", "cash_flow", "total_liabilities"),
    ),
    (
        Band(_d("0"), Zone.DISTRESS, _("probabilité supérieure à 50 %"), strictly=True),
        Band(None, Zone.SAFE, _("probabilité de 50 % au plus")),
    ),
    "J. Ohlson, Journal of Accounting Research 18(1), 1980, p. 109-131",
    note=_(
        "Indicatif : la taille se mesure en dollars et par un indice de prix américain. X5 : 1 si les dettes dépassent l’actif ; X8 : 1 après deux pertes ; X9 : variation du résultat."
    ),
)
SPRINGATE = FailureFunction(
    "springate",
    "Springate (S)",
    1978,
    "S = 1,03·X1 + 3,07·X2 + 0,66·X3 + 0,4·X4",
    Decimal(0),
    (
        _t("X1", "1.03", "working_capital", "total_assets"),
        _t("X2", "3.07", "operating_result", "total_assets"),
        _t("X3", "0.66", "pre_tax_result", "current_liabilities"),
        _t("X4", "0.4", "turnover", "total_assets"),
    ),
    (
        Band(_d("0.862"), Zone.SAFE, _("saine")),
        Band(None, Zone.DISTRESS, _("défaillance attendue")),
    ),
    "G. Springate, Simon Fraser University, 1978",
)
TAFFLER = FailureFunction(
    "taffler",
    "Taffler (Z)",
    1983,
    "Z = 3,20 + 12,18·X1 + 2,50·X2 − 10,68·X3 + 0,029·X4",
    _d("3.20"),
    (
        _t("X1", "12.18", "pre_tax_result", "current_liabilities"),
        _t("X2", "2.50", "current_assets", "total_liabilities"),
        _t("X3", "-10.68", "current_liabilities", "total_assets"),
        _t("X4", "0.029", "no_credit_days"),
    ),
    (
        Band(_d("0"), Zone.SAFE, _("solvable"), strictly=True),
        Band(None, Zone.DISTRESS, _("profil des défaillantes")),
    ),
    "R. Taffler, Accounting and Business Research 13(52), 1983, p. 295-308",
    note=_("X4 : jours de dépenses couverts sans crédit ; il peut être négatif."),
    meant_for=_("industrie cotée (Royaume-Uni)"),
)
TAFFLER_WEIGHTS = FailureFunction(
    "taffler_weights",
    _("Taffler, poids publiés"),
    1983,
    "T = 0,53·X1 + 0,13·X2 + 0,18·X3 + 0,16·X4",
    Decimal(0),
    (
        _t("X1", "0.53", "pre_tax_result", "current_liabilities"),
        _t("X2", "0.13", "current_assets", "total_liabilities"),
        _t("X3", "0.18", "current_liabilities", "total_assets"),
        _t("X4", "0.16", "no_credit_years"),
    ),
    (
        Band(_d("0.3"), Zone.SAFE, _("bonnes chances de survie"), strictly=True),
        Band(_d("0.2"), Zone.GREY, _("entre les seuils")),
        Band(None, Zone.DISTRESS, _("profil des défaillantes")),
    ),
    "R. Taffler, 1983",
    note=_("Variante répandue ; l’intervalle sans crédit y est en années."),
)

FUNCTIONS = (
    CONAN_HOLDER,
    ALTMAN_Z,
    ALTMAN_Z1,
    ALTMAN_Z2,
    ALTMAN_Z2_EM,
    ZMIJEWSKI,
    OHLSON,
    SPRINGATE,
    TAFFLER,
    TAFFLER_WEIGHTS,
)
