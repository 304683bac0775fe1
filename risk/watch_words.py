"""What the watch says to people: why an announcement waits, what a choice does, how an event looks."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from risk.models import EventOutcome, InsolvencyProceeding, LegalEvent

Kind = LegalEvent.Kind

KIND_TONES = {
    Kind.OPENING: "blocked",
    Kind.CONVERSION: "blocked",
    Kind.EXTENSION: "blocked",
    Kind.PLAN_FAILURE: "blocked",
    Kind.PLAN: "watch",
    Kind.PLAN_CHANGE: "watch",
    Kind.CLOSURE: "late",
    Kind.APPEAL: "watch",
    Kind.UNKNOWN: "watch",
    Kind.CONCILIATION: "watch",
    Kind.STRIKE_OFF: "late",
    Kind.CEASED: "late",
    Kind.SALE: "watch",
}
STATUS_TONES = {
    EventOutcome.Status.APPLIED: "ok",
    EventOutcome.Status.NOTED: "neutral",
    EventOutcome.Status.TO_REVIEW: "watch",
    EventOutcome.Status.SET_ASIDE: "neutral",
}
PROCEEDING_TONES = {
    InsolvencyProceeding.Status.OPEN: "blocked",
    InsolvencyProceeding.Status.PLAN: "watch",
    InsolvencyProceeding.Status.CLOSED: "neutral",
    InsolvencyProceeding.Status.CANCELLED: "neutral",
}

REASONS = {
    # what was read
    "unknown_nature": _("La nature publiée n’est pas connue : dites ce que le tribunal décide."),
    "nature_missing": _("La nature du jugement n’est pas publiée, sa famille seule l’est."),
    "other_opening": _("« Autre jugement d’ouverture » : la procédure est lue dans le texte, à vérifier."),
    "other_closure": _("« Autre jugement de clôture » : le motif n’est pas dit."),
    "procedure_unknown": _("La procédure ouverte n’est pas précisée."),
    "professional_recovery": _(
        "Rétablissement professionnel : aucune déclaration au passif ; le mandataire demande aux créanciers ce qui leur est dû (C. com. L645-8)."
    ),
    "appeal": _("Un arrêt d’appel peut changer ou effacer la procédure : lisez-le."),
    "bodies_changed": _("Les organes de la procédure changent : vérifiez à qui l’on écrit."),
    "judgment_unreadable": _("Le jugement publié est illisible."),
    "judgment_date_unreadable": _("La date du jugement est illisible."),
    "judgment_date_missing": _("La date du jugement n’est pas publiée."),
    "judgment_after_publication": _("Le jugement porterait une date postérieure à sa parution."),
    "judgment_date_assumed": _("Faute de date du jugement, celle de la parution la remplace : corrigez-la."),
    "judgment_to_come": _("Le jugement porte une date à venir : le compte est arrêté dès aujourd’hui."),
    "siren_wrong": _("Le SIREN publié est faux : sa clé de contrôle ne tombe pas juste."),
    "siren_missing": _("Aucun SIREN n’est publié."),
    "siren_contradiction": _("L’annonce porte deux SIREN qui se contredisent."),
    "earlier_missing": _("L’avis corrigé ou annulé n’est pas nommé."),
    # what is known already
    "earlier_unknown": _("L’avis corrigé ou annulé n’a pas été reçu."),
    "already_open": _("La procédure est déjà suivie : rien de nouveau."),
    "already_closed": _("Cette procédure est déjà clôturée."),
    "already_converted": _("La conversion est déjà enregistrée."),
    "already_planned": _("Le plan est déjà enregistré."),
    "already_so": _("La fiche du client le dit déjà."),
    "cancelled_before": _("Une personne a annulé cette procédure ; la voici publiée de nouveau."),
    "annulled_before": _("L’annulation de cet avis était déjà connue : il n’a pas été appliqué."),
    "corrected_before": _("Sa correction était déjà connue, et appliquée à sa place."),
    # what contradicts
    "second_opening": _("Une autre procédure est déjà ouverte : deux jugements d’ouverture se contredisent."),
    "second_opening_before": _("Cette ouverture précède celle qui est suivie : lequel des deux jugements fait foi ?"),
    "extension_of_open": _("Une procédure est déjà ouverte : l’extension la rejoint peut-être."),
    "closure_before_opening": _("Une clôture, sans ouverture connue : l’annonce d’ouverture a manqué."),
    "closure_known": _("Une clôture postérieure est déjà connue : la procédure est sans doute terminée."),
    "before_opening": _("Ce jugement précède celui qui a ouvert la procédure suivie."),
    "opening_unknown": _("L’ouverture n’a pas été reçue : les dates partent de cette annonce, à corriger."),
    "old_opening": _("L’ouverture a plus de trois ans : elle est peut-être terminée depuis."),
    "no_proceeding": _("Aucune procédure n’est suivie sur ce compte."),
    "judgment_date_differs": _("Le compte porte une autre date de jugement."),
    # what a person must decide
    "annulled": _("Cet avis est annulé : confirmez pour reprendre ce qu’il avait arrêté."),
    "cancels": _("Il annule un avis appliqué : rien n’est repris sans votre confirmation."),
    "corrects": _("Il corrige un avis déjà reçu."),
    "kind_corrected": _("La correction change la nature du jugement."),
    "corrected_otherwise": _("Une correction dit autre chose de cet avis."),
    "corrected_to_another": _("Une correction nomme une autre entreprise : l’avis ne concernait peut-être pas ce client."),
    "procedure_corrected": _("La procédure est corrigée."),
    "judgment_date_corrected": _("La date du jugement est corrigée ; un nouveau relevé est arrêté."),
    "addressee_corrected": _("Le mandataire est corrigé."),
    "plan_changed": _("Le plan est modifié : revoyez les dividendes attendus."),
    "plan_failed": _("Le plan est résolu : qui avait déclaré en est dispensé, les créances nées depuis se déclarent (C. com. L626-27)."),
    "account_after_closure": _("La procédure est close : dites ce que devient le compte."),
    "account_closed": _("Le compte est clôturé : il n’est pas relancé, la créance se déclare tout de même."),
    "limits_missing": _("Une valeur légale manque : les délais ne sont pas calculés. Saisissez-la dans les paramètres légaux."),
    "address_missing": _("La nouvelle adresse n’est pas publiée : cherchez-la."),
}  # fmt: skip

CHOICES = {
    "cancel": _("Confirmer l’annulation : le compte retrouve l’état qu’il avait"),
    "take_date": _("Donner au compte la date de ce jugement"),
    "replace": _("Suivre cette procédure à la place de celle qui est en cours"),
    "reactivate": _("Réactiver le compte : ses relances peuvent reprendre"),
    "classify": _("Dire ce que décide le tribunal"),
    "rename": _("Donner au client le nom publié"),
    "move": _("Donner au client l’adresse publiée"),
    "seen": _("Prendre acte, sans rien changer"),
    "set_aside": _("Écarter : cette annonce ne vaut pas pour ce compte"),
}

PROBLEMS = {
    "publication_date": _("La date de parution manque ou est illisible."),
    "nobody_named": _("Personne n’est nommé."),
    "not_json": _("Cette ligne n’est pas du JSON."),
    "not_a_record": _("Ce n’est pas une annonce."),
    "too_many_cells": _("La ligne compte plus de cases que l’en-tête."),
    "too_many_persons": _("Plus de cinquante personnes : seules les premières sont lues."),
    "siren_wrong": _("Le SIREN manque ou est faux."),
}


def told(reasons: Iterable[str]) -> list[str]:
    """Reasons as sentences; a code without words is left out of the page, never shown raw."""
    return [str(REASONS[code]) for code in reasons if code in REASONS]
