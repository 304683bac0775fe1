"""The sentences of a proposal's reasons: what speaks for it, against it, and why it waits for a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.money import format_amount
from customers.identifiers import format_iban


def sentence(reason: Mapping[str, Any], currency: str | None = None) -> str:
    """What a reason says, in the reader's language; its code where it has no sentence."""
    code = str(reason.get("code", ""))
    write = _SENTENCES.get(code)
    return write(_Values(reason, currency)) if write else code


@dataclass(frozen=True)
class _Values:
    """The values of a reason, as they are shown."""

    reason: Mapping[str, Any]
    currency: str | None

    def text(self, name: str) -> str:
        return str(self.reason.get(name, ""))

    @property
    def numbers(self) -> str:
        return ", ".join(str(number) for number in self.reason.get("numbers", ()))

    @property
    def count(self) -> int:
        return int(self.reason.get("count", 0))

    @property
    def difference(self) -> str:
        return format_amount(abs(Decimal(int(self.reason.get("cents", 0))).scaleb(-2)), self.currency)

    @property
    def day(self) -> str:
        return f"{date.fromisoformat(self.text('day')):%d/%m/%Y}"


_NAMED: dict[str, Callable[[_Values], str]] = {
    "named_reference": lambda v: _("Référence structurée de %(numbers)s.") % {"numbers": v.numbers},
    "named_full": lambda v: (
        ngettext("Le libellé cite la pièce %(numbers)s.", "Le libellé cite les pièces %(numbers)s.", v.count)
        % {"numbers": v.numbers}
    ),
    "named_digits": lambda v: (
        ngettext(
            "Le libellé cite les chiffres de la pièce %(numbers)s (« %(written)s »).",
            "Le libellé cite les chiffres des pièces %(numbers)s (« %(written)s »).",
            v.count,
        )
        % {"numbers": v.numbers, "written": v.text("written")}
    ),
    "named_tail": lambda v: (
        _("Le libellé cite la fin du numéro (« %(written)s ») : %(numbers)s.")
        % {"numbers": v.numbers, "written": v.text("written")}
    ),
    "named_noisy": lambda v: (
        _("Le libellé se lit %(numbers)s après correction de lettres lues pour des chiffres.")
        % {"numbers": v.numbers}
    ),
    "named_range": lambda v: (
        _("Le libellé cite une suite de numéros qui comprend %(numbers)s.") % {"numbers": v.numbers}
    ),
}
_PAYER: dict[str, Callable[[_Values], str]] = {
    "payer_iban": lambda v: (
        _("L’IBAN %(iban)s est connu pour ce client.") % {"iban": format_iban(v.text("sign"))}
    ),
    "payer_mandate": lambda v: _("Le mandat %(sign)s est celui de ce client.") % {"sign": v.text("sign")},
    "payer_account": lambda v: _("Le crédit est déjà sur le compte de ce client."),
    "payer_name_known": lambda v: _("Ce nom de payeur est connu pour ce client."),
    "payer_code": lambda v: _("Le libellé donne le code client %(sign)s.") % {"sign": v.text("sign")},
    "payer_siren": lambda v: _("Le libellé donne le SIREN %(sign)s de ce client.") % {"sign": v.text("sign")},
    "payer_name": lambda v: _("Le payeur porte le nom de ce client."),
    "payer_name_similar": lambda v: (
        _("Le nom du payeur ressemble à celui de ce client (%(similarity)s %%).")
        % {"similarity": v.text("similarity")}
    ),
    "payer_name_in_text": lambda v: _("Le libellé contient un nom qui ressemble à celui de ce client."),
    "payer_of_group": lambda v: _("Le payeur est du même groupe : %(sign)s.") % {"sign": v.text("sign")},
}
_AMOUNT: dict[str, Callable[[_Values], str]] = {
    "amount_exact": lambda v: _("Le montant est celui des pièces citées, au centime près."),
    "amount_one_item": lambda v: _("Le montant est celui d’une pièce, au centime près."),
    "amount_balance": lambda v: (
        _("Le montant est celui du compte entier (%(count)s pièces).") % {"count": v.count}
    ),
    "amount_overdue": lambda v: (
        _("Le montant est celui de tout ce qui est échu (%(count)s pièces).") % {"count": v.count}
    ),
    "amount_due_together": lambda v: (
        _("Le montant est celui des %(count)s pièces d’un même mois ou d’une même échéance.")
        % {"count": v.count}
    ),
    "amount_oldest_first": lambda v: (
        _("Le montant est celui des %(count)s pièces les plus anciennes.") % {"count": v.count}
    ),
    "amount_subset": lambda v: (
        _("Le montant est la somme de %(count)s pièces du compte.") % {"count": v.count}
    ),
    "amount_net_of_credits": lambda v: _("Le montant est celui des pièces citées, avoirs déduits."),
    "amount_discount": lambda v: _("Il manque %(amount)s : l’escompte convenu.") % {"amount": v.difference},
    "amount_charges": lambda v: (
        _("Il manque %(amount)s : sans doute des frais bancaires.") % {"amount": v.difference}
    ),
    "amount_charges_told": lambda v: (
        _("Il manque %(amount)s : les frais que la banque indique.") % {"amount": v.difference}
    ),
    "amount_small_difference": lambda v: (
        _("L’écart de %(amount)s est dans la tolérance.") % {"amount": v.difference}
    ),
    "amount_named_and_others": lambda v: _(
        "Le montant est celui des pièces citées et d’autres du même compte."
    ),
    "amount_named_subset": lambda v: _("Le montant est celui d’une partie des pièces citées."),
    "amount_part_of_named": lambda v: _("Le montant ne règle qu’une partie de ce qui est cité."),
    "amount_above_named": lambda v: (
        _("Le montant dépasse de %(amount)s ce qui est cité.") % {"amount": v.difference}
    ),
    "amount_part_of_account": lambda v: _(
        "Aucune somme ne correspond : les pièces les plus anciennes d’abord."
    ),
    "amount_only": lambda v: _("Une pièce a exactement ce montant ; rien d’autre ne désigne ce client."),
    "amount_on_account": lambda v: _(
        "Le payeur est connu, aucune pièce ne correspond : à laisser sur le compte."
    ),
}
_AGAINST: dict[str, Callable[[_Values], str]] = {
    "against_other_payer": lambda v: (
        _("Mais le compte bancaire est connu pour %(customer)s.") % {"customer": v.text("customer")}
    ),
    "against_other_name": lambda v: (
        _("Mais le nom du payeur est celui de %(customer)s.") % {"customer": v.text("customer")}
    ),
    "against_several_sums": lambda v: _("Mais d’autres pièces du compte donnent la même somme."),
    "against_numbers_unknown": lambda v: (
        _("Mais le libellé cite aussi %(numbers)s, introuvable parmi les pièces ouvertes.")
        % {"numbers": v.numbers}
    ),
    "against_settled": lambda v: (
        _("Mais %(numbers)s est déjà soldée : peut-être un second règlement.") % {"numbers": v.numbers}
    ),
    "against_numbers_left_out": lambda v: (
        _("Mais le libellé cite aussi %(numbers)s.") % {"numbers": v.numbers}
    ),
    "against_two_owners": lambda v: _("Mais le numéro cité existe chez un autre client."),
    "against_exact_elsewhere": lambda v: _("Mais une autre pièce du compte a exactement ce montant."),
}
_BLOCKS: dict[str, Callable[[_Values], str]] = {
    "block_switched_off": lambda v: _("Le lettrage sans intervention est désactivé pour cette entité."),
    "block_partly_applied": lambda v: _(
        "Une partie de ce mouvement a déjà été affectée, ou l’a été puis défaite."
    ),
    "block_other_currency": lambda v: _("Le règlement a été fait dans une autre devise."),
    "block_future": lambda v: _("Le mouvement est daté d’un jour à venir."),
    "block_not_exact": lambda v: _("Le montant n’est pas exactement celui des pièces."),
    "block_rule": lambda v: _("Cette forme de règlement est toujours confirmée par une personne."),
    "block_weak_naming": lambda v: _("Le numéro cité est incomplet et le payeur n’est pas sûr."),
    "block_several_customers": lambda v: _("Le règlement concerne plusieurs clients."),
    "block_other_member": lambda v: (
        _("Le payeur est un autre membre du groupe : %(customer)s.") % {"customer": v.text("customer")}
    ),
    "block_insolvent": lambda v: _("Le client est en procédure collective."),
    "block_other_payer": lambda v: (
        _("Le compte bancaire est connu pour un autre client : %(customer)s.")
        % {"customer": v.text("customer")}
    ),
    "block_other_name": lambda v: (
        _("Le nom du payeur est celui d’un autre client : %(customer)s.") % {"customer": v.text("customer")}
    ),
    "block_payer_unsure": lambda v: _("Aucun signe confirmé ne désigne ce seul client comme payeur."),
    "block_amount_repeats": lambda v: _(
        "D’autres pièces ouvertes ont le même montant et le payeur n’est pas sûr."
    ),
    "block_several_sums": lambda v: _("D’autres pièces du compte donnent la même somme."),
    "block_search_given_up": lambda v: _("Le compte a trop de pièces pour exclure une autre somme."),
    "block_chance": lambda v: _("La somme peut tomber juste par hasard."),
    "block_round_amount": lambda v: _("Le montant est rond et aucune pièce n’est citée."),
    "block_numbers_unknown": lambda v: (
        _("Le libellé cite %(numbers)s, introuvable parmi les pièces ouvertes.") % {"numbers": v.numbers}
    ),
    "block_numbers_left_out": lambda v: _("Le libellé cite aussi %(numbers)s.") % {"numbers": v.numbers},
    "block_two_owners": lambda v: _("Le numéro cité existe chez deux clients."),
    "block_competitor": lambda v: _("Une autre proposition est presque aussi probable chez un autre client."),
    "block_same_payment": lambda v: (
        _("Le même montant a déjà été reçu de ce client le %(day)s.") % {"day": v.day}
    ),
    "block_in_books": lambda v: (
        _("Un règlement de ce montant est déjà sur le compte, daté du %(day)s.") % {"day": v.day}
    ),
    "block_old": lambda v: (
        _("Pièce trop ancienne pour être lettrée sans intervention : %(numbers)s.") % {"numbers": v.numbers}
    ),
    "block_disputed": lambda v: _("Pièce en litige : %(numbers)s.") % {"numbers": v.numbers},
    "block_undone": lambda v: (
        _("Un lettrage de cette pièce a déjà été défait : %(numbers)s.") % {"numbers": v.numbers}
    ),
    "block_before_issue": lambda v: (
        _("Le règlement précède l’émission de la pièce : %(numbers)s.") % {"numbers": v.numbers}
    ),
    "block_not_exact_reference": lambda v: _("La référence du crédit ne cite pas exactement ces pièces."),
}
_SENTENCES = _NAMED | _PAYER | _AMOUNT | _AGAINST | _BLOCKS
