"""What the criteria beyond the account found, in words: accounts, announcements, sector, ratings, hard rules."""

from datetime import date
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from core.money import MINUS, NBSP
from risk.rating_scales import SCALES
from risk.score_card import OVERRIDES, Criterion
from risk.scoring import Reason
from risk.sectors import SECTIONS

# Names of `risk.accounting_figures.Figures` in words.
FIGURES: "dict[str, str | Promise]" = {
    "total_assets": gettext_lazy("total du bilan"),
    "fixed_assets": gettext_lazy("actif immobilisé"),
    "stocks": gettext_lazy("stocks"),
    "trade_receivables": gettext_lazy("créances clients"),
    "other_receivables": gettext_lazy("autres créances"),
    "securities": gettext_lazy("valeurs mobilières de placement"),
    "cash": gettext_lazy("disponibilités"),
    "prepaid": gettext_lazy("charges constatées d’avance"),
    "current_assets": gettext_lazy("actif circulant"),
    "liquid_assets": gettext_lazy("actif circulant hors stocks"),
    "quick_assets": gettext_lazy("créances et disponibilités"),
    "equity": gettext_lazy("capitaux propres"),
    "share_capital": gettext_lazy("capital social"),
    "retained_earnings": gettext_lazy("réserves, report à nouveau et résultat"),
    "permanent_capital": gettext_lazy("capitaux permanents"),
    "provisions": gettext_lazy("provisions"),
    "long_term_debt": gettext_lazy("dettes financières stables"),
    "overdraft": gettext_lazy("concours bancaires courants"),
    "financial_debt": gettext_lazy("dettes financières"),
    "suppliers": gettext_lazy("dettes fournisseurs"),
    "total_debts": gettext_lazy("total des dettes"),
    "current_liabilities": gettext_lazy("dettes à court terme"),
    "total_liabilities": gettext_lazy("total du bilan moins capitaux propres"),
    "working_capital": gettext_lazy("fonds de roulement"),
    "turnover": gettext_lazy("chiffre d’affaires"),
    "purchases": gettext_lazy("achats et charges externes"),
    "value_added": gettext_lazy("valeur ajoutée"),
    "personnel": gettext_lazy("charges de personnel"),
    "ebe": gettext_lazy("EBE"),
    "depreciation": gettext_lazy("dotations"),
    "operating_result": gettext_lazy("résultat d’exploitation"),
    "interest": gettext_lazy("intérêts"),
    "pre_tax_result": gettext_lazy("résultat avant impôts"),
    "net_result": gettext_lazy("résultat net"),
    "previous_net_result": gettext_lazy("résultat net de l’exercice précédent"),
    "cash_flow": gettext_lazy("capacité d’autofinancement"),
    "operating_costs": gettext_lazy("dépenses d’exploitation"),
    "liquidity_gap": gettext_lazy("créances et disponibilités moins dettes à court terme"),
    "no_credit_days": gettext_lazy("intervalle sans crédit (jours)"),
    "no_credit_years": gettext_lazy("intervalle sans crédit (années)"),
    "market_value": gettext_lazy("valeur boursière"),
}
_OBSTACLES = {
    "MISSING": gettext_lazy("les comptes ne donnent pas : %(figure)s"),
    "ZERO": gettext_lazy("division impossible, nul : %(figure)s"),
    "NEGATIVE": gettext_lazy("rapport sans signification, négatif : %(figure)s"),
}
_WHY = {
    "NO_ACCOUNTS": gettext_lazy("aucun compte annuel connu"),
    "NOT_WATCHED": gettext_lazy("aucune annonce légale n’est suivie pour ce client"),
    "NO_NAF": gettext_lazy("code NAF absent ou inconnu"),
    "NO_RATING": gettext_lazy("aucune note externe"),
}
_TITLES = {letter: title for letter, _first, _last, title in SECTIONS}


def outside_finding(reason: Reason) -> str:
    """What a criterion beyond the account measured, or why it did not."""
    if reason.criterion in OVERRIDES:
        return _override(reason)
    if reason.value is None:
        return why_missing(reason)
    if reason.criterion == Criterion.LEGAL_EVENTS:
        if not reason.count:
            return _("aucune annonce défavorable")
        return ngettext(
            "%(count)d jugement défavorable, le dernier du %(day)s",
            "%(count)d jugements défavorables, le dernier du %(day)s",
            reason.count,
        ) % {"count": reason.count, "day": _day(reason.on)}
    if reason.criterion == Criterion.SECTOR:
        return _("section %(letter)s, %(title)s : %(share)s des points") % {
            "letter": reason.source,
            "title": _TITLES.get(reason.source, ""),
            "share": percent(reason.value, 0),
        }
    if reason.criterion == Criterion.EXTERNAL_RATING:
        key, _sign, value = reason.source.partition("=")
        scale = SCALES.get(key)
        return _("%(provider)s : %(value)s, du %(day)s (%(position)s de l’échelle)") % {
            "provider": scale.provider if scale else key,
            "value": value,
            "day": _day(reason.on),
            "position": percent(reason.value, 0),
        }
    return _("%(value)s, comptes clos le %(day)s") % {
        "value": written(reason.criterion, reason.value),
        "day": _day(reason.on),
    }


def why_missing(reason: Reason) -> str:
    """Why there is no value."""
    why, _sign, figure = reason.why.partition(":")
    if why in _OBSTACLES:
        return told_gap(why, figure)
    if why == "ACCOUNTS_OLD":
        return _("comptes trop anciens (clos le %(day)s)") % {"day": _day(reason.on)}
    if why == "RATING_OLD":
        return _("note externe périmée ou muette (du %(day)s)") % {"day": _day(reason.on)}
    if why == "NO_SECTOR_SCALE":
        return _("aucun barème saisi pour la section %(letter)s") % {"letter": reason.source}
    return str(_WHY.get(why, _("donnée absente")))


def told_gap(obstacle: str, figure: str) -> str:
    """« division impossible, nul : chiffre d’affaires »."""
    return str(_OBSTACLES[obstacle]) % {"figure": FIGURES.get(figure, figure)}


def written(criterion: Criterion, value: Decimal) -> str:
    """A value of a financial criterion, as it is shown."""
    if criterion in (Criterion.EQUITY_RATIO, Criterion.NET_MARGIN, Criterion.INTEREST_BURDEN):
        return percent(value)
    return number(value, 2)


def _override(reason: Reason) -> str:
    cap = int(reason.value or 0)
    told = {
        Criterion.STRUCK_OFF: _("radiation ou cessation publiée le %(day)s"),
        Criterion.RATED_INSOLVENT: _("note externe de défaillance du %(day)s"),
        Criterion.UNPAID_FORMAL_NOTICE: _("mise en demeure du %(day)s restée impayée"),
        Criterion.NEGATIVE_EQUITY: _("capitaux propres négatifs au %(day)s"),
        Criterion.EQUITY_BELOW_HALF_CAPITAL: _(
            "capitaux propres inférieurs à la moitié du capital au %(day)s"
        ),
    }[reason.criterion] % {"day": _day(reason.on)}
    if reason.points:
        return _("%(fact)s : score plafonné à %(cap)d") % {"fact": told, "cap": cap}
    return _("%(fact)s : plafond de %(cap)d, déjà respecté") % {"fact": told, "cap": cap}


def number(value: Decimal, places: int = 1) -> str:
    """In the reader's language, with a true minus."""
    text = f"{abs(value):.{places}f}"
    if not (get_language() or "fr").startswith("en"):
        text = text.replace(".", ",")
    return f"{MINUS}{text}" if value < 0 else text


def percent(value: Decimal, places: int = 1) -> str:
    """A share as a percentage."""
    space = "" if (get_language() or "fr").startswith("en") else NBSP
    return f"{number(value * 100, places)}{space}%"


def _day(day: date | None) -> str:
    return "–" if day is None else date_format(day, "d/m/Y")
