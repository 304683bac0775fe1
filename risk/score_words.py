"""A score's reasons in words, in the reader's language, and as they are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from risk.default_cards import CARD_1
from risk.score_card import FAMILIES, FAMILY_OF, OVERRIDES, Card, Criterion, Family
from risk.score_findings import number as _number
from risk.score_findings import outside_finding
from risk.score_findings import percent as _percent
from risk.scoring import ENOUGH_ITEMS, ENOUGH_PER_HALF, Reason, Scored

LABELS = {
    Criterion.DAYS_LATE: gettext_lazy("Retard moyen pondéré"),
    Criterion.ON_TIME: gettext_lazy("Payé à l’heure (échéance + 5 j)"),
    Criterion.TREND: gettext_lazy("Évolution du retard"),
    Criterion.OVERDUE_SHARE: gettext_lazy("Part échue de l’encours"),
    Criterion.OLDEST_OVERDUE: gettext_lazy("Plus ancien impayé"),
    Criterion.BROKEN_PROMISES: gettext_lazy("Promesses non tenues"),
    Criterion.BOUNCED_PAYMENTS: gettext_lazy("Règlements rejetés"),
    Criterion.DISPUTES: gettext_lazy("Litiges"),
    Criterion.RELATION: gettext_lazy("Ancienneté de la relation"),
    Criterion.CONAN_HOLDER: gettext_lazy("Conan-Holder"),
    Criterion.EQUITY_RATIO: gettext_lazy("Autonomie financière"),
    Criterion.LIQUIDITY: gettext_lazy("Liquidité générale"),
    Criterion.NET_MARGIN: gettext_lazy("Marge nette"),
    Criterion.INTEREST_BURDEN: gettext_lazy("Poids des intérêts dans l’EBE"),
    Criterion.LEGAL_EVENTS: gettext_lazy("Annonces légales"),
    Criterion.SECTOR: gettext_lazy("Secteur d’activité"),
    Criterion.EXTERNAL_RATING: gettext_lazy("Note externe"),
    Criterion.INSOLVENCY: gettext_lazy("Procédure collective"),
    Criterion.STRUCK_OFF: gettext_lazy("Radiation ou cessation"),
    Criterion.RATED_INSOLVENT: gettext_lazy("Défaillance notée"),
    Criterion.UNPAID_FORMAL_NOTICE: gettext_lazy("Mise en demeure impayée"),
    Criterion.NEGATIVE_EQUITY: gettext_lazy("Capitaux propres négatifs"),
    Criterion.EQUITY_BELOW_HALF_CAPITAL: gettext_lazy("Capitaux propres sous la moitié du capital"),
}
FAMILY_LABELS = {
    Family.BEHAVIOUR: gettext_lazy("Comportement de paiement"),
    Family.FINANCE: gettext_lazy("Comptes annuels"),
    Family.LEGAL: gettext_lazy("Ancienneté et annonces légales"),
    Family.SECTOR: gettext_lazy("Secteur"),
    Family.RATINGS: gettext_lazy("Notes externes"),
}
_SHARES = frozenset(
    {
        Criterion.ON_TIME,
        Criterion.OVERDUE_SHARE,
        Criterion.DISPUTES,
        Criterion.EQUITY_RATIO,
        Criterion.NET_MARGIN,
        Criterion.INTEREST_BURDEN,
        Criterion.SECTOR,
        Criterion.EXTERNAL_RATING,
    }
)
_BEHAVIOUR = frozenset(FAMILIES[Family.BEHAVIOUR]) | {Criterion.RELATION}


@dataclass(frozen=True)
class ToldReason:
    """A reason as a page shows it; `words` is the whole sentence."""

    label: str
    finding: str
    points: int
    maximum: int
    is_neutral: bool
    words: str
    criterion: Criterion = Criterion.INSOLVENCY
    on: date | None = None

    @property
    def is_spread(self) -> bool:
        """Nothing is known, and the others have its points."""
        return self.is_neutral and self.maximum == 0

    @property
    def is_override(self) -> bool:
        return self.criterion in OVERRIDES


@dataclass(frozen=True)
class ToldFamily:
    """The reasons of a family with their sum; the hard rules come last, without a name."""

    label: str
    reasons: tuple[ToldReason, ...]
    points: int
    maximum: int


@dataclass(frozen=True)
class ToldScale:
    """A criterion of the card: where it gives all of its points and where none."""

    label: str
    maximum: int
    best: str
    worst: str


def stored(scored: Scored) -> list[dict[str, Any]]:
    """The reasons as JSON; words are made when somebody reads, in his language."""
    return [_stored(reason) for reason in scored.reasons]


def _stored(reason: Reason) -> dict[str, Any]:
    row: dict[str, Any] = {
        "criterion": reason.criterion.value,
        "points": reason.points,
        "maximum": reason.maximum,
        "value": None if reason.value is None else str(reason.value),
        "count": reason.count,
        "neutral": reason.is_neutral,
    }
    if reason.why:
        row["why"] = reason.why
    if reason.on is not None:
        row["on"] = reason.on.isoformat()
    if reason.source:
        row["source"] = reason.source
    return row


def told_reasons(rows: object) -> list[ToldReason]:
    """Stored reasons in words. What an older card stored and this one does not know is left out."""
    reasons = [_read(row) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return [tell(reason) for reason in reasons if reason is not None]


def tell(reason: Reason) -> ToldReason:
    """« Retard moyen pondéré : 12,7 j sur 14 pièces payées en douze mois → 17 points sur 30 »."""
    label, found = str(LABELS[reason.criterion]), finding(reason)
    score = ngettext(
        "%(points)d point sur %(maximum)d", "%(points)d points sur %(maximum)d", max(reason.points, 1)
    ) % {"points": reason.points, "maximum": reason.maximum}
    words = _("%(label)s : %(finding)s → %(score)s") % {"label": label, "finding": found, "score": score}
    return ToldReason(
        label,
        found,
        reason.points,
        reason.maximum,
        reason.is_neutral,
        words,
        reason.criterion,
        reason.on,
    )


def told_families(reasons: Sequence[ToldReason]) -> list[ToldFamily]:
    """The reasons by family, in the order of the card; the hard rules that applied come last."""
    found = []
    for family, label in FAMILY_LABELS.items():
        rows = tuple(reason for reason in reasons if FAMILY_OF.get(reason.criterion) == family)
        if rows:
            found.append(_family(str(label), rows))
    rows = tuple(reason for reason in reasons if reason.is_override)
    return [*found, _family(_("Règles de prudence"), rows)] if rows else found


def _family(label: str, rows: tuple[ToldReason, ...]) -> ToldFamily:
    return ToldFamily(label, rows, sum(row.points for row in rows), sum(row.maximum for row in rows))


def finding(reason: Reason) -> str:
    """What was measured, without its points."""
    if reason.criterion == Criterion.INSOLVENCY:
        return _("jugement d’ouverture prononcé : 0 point et classe E, quoi que dise le compte")
    if reason.criterion not in _BEHAVIOUR:
        return outside_finding(reason)
    if reason.is_neutral or reason.value is None:
        return _missing(reason)
    return _found(reason.criterion, reason.value, reason.count)


def told_scales(card: Card = CARD_1) -> list[ToldScale]:
    """The card itself, for whoever wants to check a score by hand."""
    return [
        ToldScale(
            str(LABELS[rule.criterion]),
            rule.weight,
            told_bound(rule.criterion, rule.best),
            told_bound(rule.criterion, rule.worst),
        )
        for rule in card.criteria
    ]


def told_classes(card: Card = CARD_1) -> list[tuple[str, int, int]]:
    """Each class with its lowest and highest points."""
    highest = [100, *(lowest - 1 for _name, lowest in card.bounds)]
    return [(name, lowest, high) for (name, lowest), high in zip(card.bounds, highest, strict=False)]


def _missing(reason: Reason) -> str:
    if reason.criterion in (Criterion.DAYS_LATE, Criterion.ON_TIME):
        return _("historique insuffisant (%(count)d pièces en douze mois, il en faut %(enough)d)") % {
            "count": reason.count,
            "enough": ENOUGH_ITEMS,
        }
    if reason.criterion == Criterion.TREND:
        return _("historique insuffisant (il faut %(enough)d pièces payées dans chaque semestre)") % {
            "enough": ENOUGH_PER_HALF
        }
    return _("historique insuffisant (aucune pièce n’est encore arrivée à échéance)")


def _found(criterion: Criterion, value: Decimal, count: int) -> str:
    if criterion == Criterion.DAYS_LATE:
        return ngettext(
            "%(days)s j sur %(count)d pièce payée en douze mois",
            "%(days)s j sur %(count)d pièces payées en douze mois",
            count,
        ) % {"days": _number(value), "count": count}
    if criterion == Criterion.ON_TIME:
        return ngettext(
            "%(share)s du montant de %(count)d pièce échue en douze mois",
            "%(share)s du montant de %(count)d pièces échues en douze mois",
            count,
        ) % {"share": _percent(value), "count": count}
    if criterion == Criterion.TREND:
        days = {"days": _number(abs(value))}
        if value > 0:
            return _("%(days)s j de plus que le semestre précédent") % days
        return (
            _("%(days)s j de moins que le semestre précédent") % days
            if value
            else _("stable d’un semestre à l’autre")
        )
    if criterion == Criterion.OVERDUE_SHARE:
        return (
            _("%(share)s de l’encours, crédits déduits") % {"share": _percent(value)}
            if value
            else _("rien d’échu")
        )
    if criterion == Criterion.OLDEST_OVERDUE:
        return _("échu depuis %(days)s j") % {"days": _number(value, 0)} if value else _("aucun impayé")
    if criterion == Criterion.DISPUTES:
        return (
            ngettext(
                "%(count)d litige ouvert en douze mois, soit %(share)s des factures",
                "%(count)d litiges ouverts en douze mois, soit %(share)s des factures",
                count,
            )
            % {"count": count, "share": _percent(value)}
            if count
            else _("aucun en douze mois")
        )
    if criterion == Criterion.RELATION:
        return _length(count)
    if criterion == Criterion.BROKEN_PROMISES and not count:
        return _("aucune en douze mois")
    return _("%(count)d en douze mois") % {"count": count} if count else _("aucun en douze mois")


def _length(days: int) -> str:
    if days < 1:
        return _("premier jour, ou date inconnue")
    if days < 60:
        return ngettext("%(count)d jour", "%(count)d jours", days) % {"count": days}
    months = days // 30
    if months < 24:
        return _("%(count)d mois") % {"count": months}
    return _("%(count)d ans") % {"count": days // 365}


def told_bound(criterion: Criterion, value: Decimal) -> str:
    """The best or the worst value of a scale, as it is shown."""
    if criterion in _SHARES:
        return _percent(value, 0 if value * 100 == int(value * 100) else 1)
    if criterion in (Criterion.BROKEN_PROMISES, Criterion.BOUNCED_PAYMENTS, Criterion.LEGAL_EVENTS):
        return _number(value, 0)
    if criterion in (Criterion.CONAN_HOLDER, Criterion.LIQUIDITY):
        return _number(value, 2)
    if criterion == Criterion.RELATION:
        return _("%(count)d ans") % {"count": int(value) // 365} if value else _("premier jour")
    return _("%(days)s j") % {"days": _number(value, 0)}


def _read(row: Mapping[str, Any]) -> Reason | None:
    try:
        return Reason(
            Criterion(row["criterion"]),
            int(row["points"]),
            int(row["maximum"]),
            None if row.get("value") is None else Decimal(row["value"]),
            int(row.get("count", 0)),
            bool(row.get("neutral", False)),
            str(row.get("why", "")),
            date.fromisoformat(row["on"]) if row.get("on") else None,
            str(row.get("source", "")),
        )
    except (KeyError, ValueError, TypeError, InvalidOperation):
        return None
