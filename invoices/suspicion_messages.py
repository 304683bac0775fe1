"""What is suspicious in a batch, in words; and what its engine says of rows, of files and of the way back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from core.money import format_amount, format_count

LABELS = {
    "cleared_share": lazy("part de l’encours soldée"),
    "amount_factor": lazy("montants inhabituels"),
    "due_before_issue": lazy("échéances avant la pièce"),
    "terms_above_cap": lazy("délais au-delà du plafond légal"),
    "amount_differs": lazy("montants différents du grand livre"),
    "unusual_volume": lazy("nombre de pièces inhabituel"),
    "open_above_ledger": lazy("reste dû au-dessus du grand livre"),
    "new_customers": lazy("nombre de nouveaux clients"),
}

ROW_MESSAGES = {
    "issue_after_allocation": lazy(
        "La pièce « %(number)s » est lettrée avant le %(value)s : sa date ne peut pas passer après. "
        "Corrigez la date, ou défaites le lettrage."
    ),
    "settled_in_future": lazy(
        "La pièce est datée du %(issued)s, à venir, et déjà réglée en partie (reste dû %(value)s). "
        "Corrigez la date ou le reste dû."
    ),
    "amount_factor": lazy(
        "%(value)s, alors que ce client est facturé %(usual)s d’habitude : vérifiez la virgule."
    ),
    "terms_above_cap": lazy(
        "L’échéance du %(value)s dépasse le délai légal, qui finit le %(cap)s (C. com. L441-10)."
    ),
    "amount_differs": lazy(
        "Le grand livre porte %(ledger)s, le fichier %(value)s : l’écart sera passé par une pièce rectificative."
    ),
    "open_above_ledger": lazy(
        "Le fichier laisse %(value)s à payer, le grand livre %(ledger)s : rien n’est rouvert sans défaire le lettrage."
    ),
    "customer_kind_unknown": lazy(
        "« %(value)s » n’est pas une nature de client : société, organisme public, entrepreneur ou particulier."
    ),
    "consumer_identifier": lazy("Un particulier n’a ni SIREN, ni SIRET, ni numéro de TVA. Videz la cellule."),
    "terms_unknown": lazy("« %(value)s » n’est pas un code de conditions de règlement connu. Corrigez-le."),
    "siret_taken": lazy("Le SIRET « %(value)s » est déjà celui du client « %(other)s ». Corrigez l’un des deux."),
    "email_needed": lazy("« %(value)s » doit recevoir les relances : indiquez son adresse e-mail."),
}  # fmt: skip

FILE_MESSAGES = {
    "ledger_changed": lazy(
        "Depuis l’aperçu, les données ont changé : %(errors)s lignes de plus en erreur, %(cleared)s pièces de plus "
        "seraient soldées, %(suspicions)s points douteux de plus. Rien n’est écrit. Relisez l’aperçu, puis validez."
    ),
    "rollback_blocked": lazy("Le lot n’a pas été retiré, car depuis sont venus : %(dependents)s."),
    "rollback_interrupted": lazy(
        "Le retrait a été interrompu %(attempts)s fois, rien n’est retiré. Demandez-le de nouveau."
    ),
}


def suspicion_label(code: str) -> str:
    """The name of a kind of suspicion."""
    return str(LABELS.get(code, code))


def suspicion_message(suspicion: Mapping[str, Any]) -> str:
    """What is suspicious, in a sentence with its figures. `suspicion` is one of `ImportBatch.suspicions`."""
    code, count, params = suspicion["code"], int(suspicion["count"]), suspicion.get("params", {})
    shown = {"count": format_count(count)}
    if code == "cleared_share":
        return _(
            "Ce lot solderait %(share)s %% de l’encours (%(amount)s) ; au-delà de %(limit)s %%, confirmez."
        ) % {
            "share": _number(params["share"]),
            "limit": _number(params["limit"]),
            "amount": format_amount(Decimal(params["amount"]), params["currency"]),
        }
    if code == "amount_factor":
        return (
            ngettext(
                "%(count)s ligne porte un montant bien au-dessus de ce que le client est facturé d’habitude.",
                "%(count)s lignes portent un montant bien au-dessus de ce que le client est facturé d’habitude.",
                count,
            )
            % shown
        )
    if code == "due_before_issue":
        return (
            ngettext(
                "%(count)s échéance précède sa pièce. Si vous confirmez, elle sera mise à la date de la pièce.",
                "%(count)s échéances précèdent leur pièce. Si vous confirmez, elles seront mises à la date de la pièce.",
                count,
            )
            % shown
        )
    if code == "terms_above_cap":
        return (
            ngettext(
                "%(count)s échéance dépasse le délai légal de paiement (C. com. L441-10).",
                "%(count)s échéances dépassent le délai légal de paiement (C. com. L441-10).",
                count,
            )
            % shown
        )
    if code == "amount_differs":
        return (
            ngettext(
                "%(count)s pièce connue a un autre montant : l’écart sera passé par une pièce rectificative.",
                "%(count)s pièces connues ont un autre montant : l’écart sera passé par des pièces rectificatives.",
                count,
            )
            % shown
        )
    if code == "unusual_volume":
        return _("%(count)s pièces nouvelles, contre %(usual)s d’habitude.") % {
            **shown,
            "usual": format_count(int(params["usual"])),
        }
    if code == "open_above_ledger":
        return (
            ngettext(
                "%(count)s pièce est soldée ici et encore due dans le fichier : elle ne sera pas rouverte.",
                "%(count)s pièces sont soldées ici et encore dues dans le fichier : elles ne seront pas rouvertes.",
                count,
            )
            % shown
        )
    return _("%(count)s clients seraient créés ; l’entité en compte %(known)s.") % {
        **shown,
        "known": format_count(int(params.get("known", 0))),
    }


def _number(text: str) -> str:
    return text.replace(".", ",")
