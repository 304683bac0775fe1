"""The audit's verbs of this floor, in words, with their tone in a timeline."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "core.operation.refused": (_("Action refusée, droit manquant"), "watch"),
    "core.page.refused": (_("Page refusée, droit manquant"), "watch"),
    "core.role.granted": (_("Rôle attribué"), ""),
    "core.role.revoked": (_("Rôle retiré"), "watch"),
    "core.user.deactivated": (_("Accès fermé"), "watch"),
    "core.user.reactivated": (_("Accès rouvert"), ""),
    "core.api_key.created": (_("Clé d’API créée"), ""),
    "core.api_key.revoked": (_("Clé d’API révoquée"), "watch"),
    "core.legal_parameters.loaded": (_("Paramètres légaux livrés chargés"), ""),
    "core.legal_parameter.entered": (_("Paramètre légal saisi"), ""),
    "core.legal_parameter.confirmed": (_("Paramètre légal confirmé"), "ok"),
}
