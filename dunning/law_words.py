"""The words of the pages on the law: regimes of limitation, laws, how close a date is."""

from django.utils.translation import gettext_lazy as _

from dunning.limitation import Regime

REGIME_LABELS = {
    Regime.B2B: _("entre professionnels (C. com. L110-4)"),
    Regime.B2C: _("contre un particulier (C. consom. L218-2)"),
    Regime.CARRIAGE: _("transport de marchandises (C. com. L133-6)"),
    Regime.SHIPPING: _("cas d’un an (C. com. L110-4 II)"),
    Regime.PUBLIC: _("personne publique, depuis le 1er janvier suivant (loi du 31 décembre 1968)"),
    Regime.CONTRACT: _("convenue par contrat (C. civ. 2254)"),
}
# Months left (0: passed) -> tone of the badge.
ALERT_TONES = {0: "late", 1: "late", 3: "watch", 6: "watch", 12: "info"}


def alert_tone(months: int | None) -> str:
    """The tone of an alarm; none has rung: neutral."""
    if months is None:
        return "neutral"
    return next((tone for limit, tone in ALERT_TONES.items() if months <= limit), "info")
