"""What becomes of a gap between the money and what is ticked, in words."""

from django.utils.translation import gettext_lazy as _

from invoices.cash_entry import Fate

LABELS = {
    Fate.ON_ACCOUNT: _("laisser sur le compte du client"),
    Fate.ON_LINE: _("garder à affecter sur ce mouvement"),
    Fate.PARTIAL: _("régler en partie : le reste reste dû"),
    Fate.SMALL_DIFFERENCE: _("écart de règlement"),
    Fate.BANK_CHARGES: _("frais bancaires"),
    Fate.DISCOUNT: _("escompte accordé"),
    Fate.EXCHANGE: _("écart de change"),
    Fate.LOSS: _("perte sur créance"),
}


def fate_label(fate: Fate) -> str:
    return str(LABELS[fate])
