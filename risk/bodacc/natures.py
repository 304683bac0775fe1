"""What an announcement is: its class, its procedure, why a procedure ended. Pure.

Natures are known by their whole wording (folded), built here from the clerks' list; a wording that is not known is
UNKNOWN and goes to a person, never guessed from parts of it. C. com. book VI gives the procedures; the families
of the Bodacc are those of its open data.
"""

import re
from dataclasses import dataclass

from risk.bodacc.texts import fold

# Names as the models know them (`risk.models.LegalEvent.Kind`, `Procedure`, `LegalEvent.Closure`).
SAFEGUARD, ACCELERATED, FINANCIAL = "SAFEGUARD", "ACCELERATED_SAFEGUARD", "FINANCIAL_SAFEGUARD"
RECEIVERSHIP, LIQUIDATION, SIMPLIFIED = "RECEIVERSHIP", "LIQUIDATION", "SIMPLIFIED_LIQUIDATION"
CRISIS_EXIT, PROFESSIONAL_RECOVERY, UNKNOWN = "CRISIS_EXIT", "PROFESSIONAL_RECOVERY", "UNKNOWN"


@dataclass(frozen=True)
class Nature:
    """The class of an announcement. `doubts`: why a person should look, as codes."""

    kind: str
    procedure: str = ""
    closure: str = ""
    doubts: tuple[str, ...] = ()


# Longest first: « sauvegarde financière accélérée » holds « sauvegarde ».
_PROCEDURES = (
    (r"sauvegarde financiere acceleree", FINANCIAL),
    (r"sauvegarde acceleree", ACCELERATED),
    (r"sauvegarde", SAFEGUARD),
    (r"redressement judiciaire simplifie", RECEIVERSHIP),
    (r"redressement judiciaire", RECEIVERSHIP),
    (r"liquidation judiciaire simplifiee", SIMPLIFIED),
    (r"liquidation judiciaire", LIQUIDATION),
    (r"traitement de sortie de crise", CRISIS_EXIT),
    (r"retablissement professionnel", PROFESSIONAL_RECOVERY),
)
_P = "(?P<procedure>" + "|".join(words for words, _name in _PROCEDURES) + ")"
_FROM = "(?:" + "|".join(words for words, _name in _PROCEDURES) + ")"
_PLAN = (
    "plan de (?:sauvegarde financiere acceleree|sauvegarde acceleree|sauvegarde|redressement(?: judiciaire)?"
    "|continuation|cession(?: de l'entreprise)?|traitement de sortie de crise|apurement)"
)
_A = r"(?:jugement|decision|arret)"
_CHANGING = "(?:modifiant|prolongeant|prorogeant|rectifiant|portant modification d[eu]|de modification d[eu])"
_RESUMED = "et autorisant la reprise des poursuites individuelles"
_OPEN = r"(?:(?:d'une |de la |de )?procedure (?:de |d'un )|d'un |d'une |de |en )?"

# (whole wording, class, why it ended, doubts)
_KNOWN: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    # openings
    (rf"{_A} d'ouverture {_OPEN}{_P}", "OPENING", "", ()),
    (rf"{_A} (?:ouvrant|prononcant l'ouverture) (?:d'une |une )procedure de {_P}", "OPENING", "", ()),
    (rf"{_A} prononcant la {_P}", "OPENING", "", ()),
    ("autre jugement d'ouverture", "OPENING", "", ("other_opening",)),
    # extensions and conversions
    (rf"{_A} d'extension {_OPEN}{_P}(?: a .+)?", "EXTENSION", "", ()),
    (rf"{_A} de conversion en {_P}(?: de la procedure de {_FROM}| du {_FROM})?", "CONVERSION", "", ()),
    (
        rf"{_A} mettant fin a la procedure de {_FROM} et (?:ouvrant une procedure de |prononcant la )?{_P}",
        "CONVERSION",
        "",
        (),
    ),
    # plans
    (rf"{_A} (?:arretant|adoptant|homologuant) (?:le|un) {_PLAN}", "PLAN", "", ()),
    (rf"{_A} de {_PLAN}", "PLAN", "", ()),
    (
        rf"{_A} {_CHANGING} ?(?:la duree du |le |du )?{_PLAN}",
        "PLAN_CHANGE",
        "",
        (),
    ),
    (
        rf"{_A} (?:prononcant la|de) resolution du {_PLAN}(?: et (?:la |le |ouvrant une procedure de )?{_P})?",
        "PLAN_FAILURE",
        "",
        (),
    ),
    # ends
    (
        rf"{_A} de cloture (?:de la procedure de {_P} )?pour insuffisance d'actif {_RESUMED}",
        "CLOSURE",
        "ACTIONS_RESUMED",
        (),
    ),
    (
        rf"{_A} de cloture (?:de la (?:procedure de )?(?:{_P}|liquidation des biens) )?pour insuffisance d'actif",
        "CLOSURE",
        "INSUFFICIENT_ASSETS",
        (),
    ),
    (
        rf"{_A} de cloture (?:de la (?:procedure de )?(?:{_P}|liquidation des biens) )?pour extinction du passif",
        "CLOSURE",
        "DEBTS_PAID",
        (),
    ),
    (
        rf"{_A} (?:prononcant la|de) cloture de la procedure de (?P<procedure>retablissement professionnel)",
        "CLOSURE",
        "DEBTS_ERASED",
        (),
    ),
    (rf"{_A} de cloture (?:de la procedure )?(?:de )?{_P}", "CLOSURE", "OTHER", ()),
    (rf"{_A} mettant fin a la procedure de {_P}", "CLOSURE", "OTHER", ()),
    (rf"{_A} (?:constatant|declarant) (?:l'execution|la bonne execution|l'achevement) du {_PLAN}", "CLOSURE", "OTHER", ()),
    (rf"{_A} de (?:fin|cloture) (?:d'execution )?du {_PLAN}", "CLOSURE", "OTHER", ()),
    ("autre jugement de cloture", "CLOSURE", "OTHER", ("other_closure",)),
    # lists, deposits, bodies of the procedure: nothing changes for the debtor
    (r"depot de l'etat des creances(?: loi de 1985)?(?: et du projet de repartition)?", "ADMIN", "", ()),
    (r"depot de l'etat de collocation", "ADMIN", "", ()),
    (r"depot du projet de repartition", "ADMIN", "", ()),
    (r"depot de l'etat des creances nees apres le jugement d'ouverture.*", "ADMIN", "", ()),
    (rf"liste des creances nees apres le jugement d'ouverture(?: d'une procedure de {_P})?", "ADMIN", "", ()),
    (r"autre avis de depot", "ADMIN", "", ()),
    (rf"{_A} de designation des organes de la procedure", "ADMIN", "", ("bodies_changed",)),
    (rf"{_A} de (?:remplacement|changement) (?:du |de |d'un |des ).+", "ADMIN", "", ("bodies_changed",)),
    (rf"{_A} accordant un delai pour deposer la liste des creances", "ADMIN", "", ()),
    (rf"{_A} (?:de )?(?:modifiant|report|fixant|reportant) (?:de )?la date de (?:la )?cessation des paiements", "ADMIN", "", ()),
    (rf"{_A} (?:de prorogation|prorogeant) (?:de )?la periode d'observation", "ADMIN", "", ()),
    # higher courts
    (r"arret de la cour d'appel infirmant une decision soumise a publicite", "APPEAL", "", ("appeal",)),
    (r"autre arret de la cour d'appel", "APPEAL", "", ("appeal",)),
)  # fmt: skip
_PATTERNS = tuple((re.compile(words), kind, closure, doubts) for words, kind, closure, doubts in _KNOWN)

# The announcement's family alone, where no nature is published.
_FAMILIES = {
    "jugement d'ouverture": Nature("OPENING", UNKNOWN, doubts=("nature_missing",)),
    "jugement de cloture": Nature("CLOSURE", closure="OTHER", doubts=("nature_missing",)),
    "avis de depot": Nature("ADMIN"),
}

# Families of announcements that are no judgment.
_REGISTER = {
    "radiation": "STRIKE_OFF", "radiations": "STRIKE_OFF",
    "modification": "MODIFICATION", "modifications": "MODIFICATION", "modifications diverses": "MODIFICATION",
    "modifications et mutations diverses": "MODIFICATION",
    "vente": "SALE", "ventes": "SALE", "ventes et cessions": "SALE", "vente et cession": "SALE",
    "dpc": "ACCOUNTS_FILED", "depots des comptes": "ACCOUNTS_FILED", "depot des comptes": "ACCOUNTS_FILED",
    "depots des comptes des societes": "ACCOUNTS_FILED",
    "creation": "REGISTRATION", "creations": "REGISTRATION", "creations d'etablissements": "REGISTRATION",
    "immatriculation": "REGISTRATION", "immatriculations": "REGISTRATION",
    "conciliation": "CONCILIATION", "procedures de conciliation": "CONCILIATION",
}  # fmt: skip
_COLLECTIVE = frozenset(
    {
        "collective", "procedures collectives", "procedure collective", "retablissement_professionnel",
        "retablissement professionnel", "procedures de retablissement professionnel",
    }
)  # fmt: skip


def classify(*, family: str, nature: str, judgment_family: str, complement: str) -> Nature:
    """The class of an announcement from what it publishes.

    `family` is that of the announcement (`familleavis`, or a heading of an extract), `nature` and
    `judgment_family` those of its judgment, `complement` its free text.
    """
    folded_family = fold(family)
    if (kind := _REGISTER.get(folded_family)) and not nature:
        return Nature(kind)
    if nature:
        return _of_judgment(fold(nature), complement)
    known = _FAMILIES.get(fold(judgment_family)) or _FAMILIES.get(folded_family)
    if known:
        return _with_procedure(known, complement)
    return Nature("UNKNOWN", doubts=("nature_missing",))


def is_judgment_family(family: str) -> bool:
    """Whether announcements of this family come from a court's proceedings."""
    return fold(family) in _COLLECTIVE


def _of_judgment(nature: str, complement: str) -> Nature:
    for pattern, kind, closure, doubts in _PATTERNS:
        if found := pattern.fullmatch(nature):
            words = found.groupdict().get("procedure") or ""
            return _with_procedure(Nature(kind, _named(words), closure, doubts), complement)
    return Nature("UNKNOWN", procedures_in(complement)[0] if len(procedures_in(complement)) == 1 else "",
                  doubts=("unknown_nature",))  # fmt: skip


def _with_procedure(nature: Nature, complement: str) -> Nature:
    """The same with what only the free text says: a simplified liquidation, the procedure of « autre jugement »."""
    procedure = nature.procedure
    if procedure == LIQUIDATION and SIMPLIFIED in procedures_in(complement):
        procedure = SIMPLIFIED
    elif nature.kind == "OPENING" and procedure in ("", UNKNOWN):
        named = procedures_in(complement)
        procedure = named[0] if len(named) == 1 else UNKNOWN
    doubts = nature.doubts
    if nature.kind == "OPENING" and procedure == UNKNOWN and "procedure_unknown" not in doubts:
        doubts += ("procedure_unknown",)
    if nature.kind == "OPENING" and procedure == PROFESSIONAL_RECOVERY:
        doubts += ("professional_recovery",)
    return Nature(nature.kind, procedure, nature.closure, doubts)


def _named(words: str) -> str:
    return next((name for pattern, name in _PROCEDURES if re.fullmatch(pattern, words)), "") if words else ""


def procedures_in(complement: str) -> list[str]:
    """The procedures that a free text names, each once."""
    text, found = fold(complement), []
    for words, name in _PROCEDURES:
        if re.search(rf"\b{words}\b", text):
            found.append(name)
            text = re.sub(rf"\b{words}\b", " ", text)
    return list(dict.fromkeys(found))
