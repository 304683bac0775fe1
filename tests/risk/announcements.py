"""Made-up announcements in the shapes of the open-data service, for the tests of the watch."""

import json
from datetime import date
from typing import Any

from core.rights import SYSTEM
from risk.models import WatchFile
from risk.operations.legal_events import Taken, take_watch_file
from tests.risk.factories import NOW, TODAY

RECEIVERSHIP = "Jugement d'ouverture d'une procédure de redressement judiciaire"
LIQUIDATION = "Jugement d'ouverture de liquidation judiciaire"
COMPLEMENT = (
    "Jugement prononçant l'ouverture d'une procédure de redressement judiciaire, date de cessation des paiements le "
    "1er octobre 2026, désignant mandataire judiciaire SELARL Vasseur et Lemoine 18 rue du Palais 28000 Chartres. "
    "Les créances sont à déclarer, dans les deux mois de la présente publication, auprès du mandataire judiciaire."
)


def record(
    siren: str,
    nature: str = RECEIVERSHIP,
    *,
    judged: Any = "2026-11-12",
    published: str = "2026-11-20",
    number: int = 1001,
    name: str = "MENUISERIES DU PERCHE",
    complement: str = COMPLEMENT,
    family: str = "Jugement d'ouverture",
    **fields: Any,
) -> dict[str, Any]:
    """A record of the family « collective », as Explore v2.1 gives it."""
    spaced = f"{siren[:3]} {siren[3:6]} {siren[6:]}" if siren else ""
    person: dict[str, Any] = {
        "typePersonne": "pm",
        "denomination": name,
        "formeJuridique": "Société à responsabilité limitée",
        "adresseSiegeSocial": {
            "numeroVoie": "3",
            "typeVoie": "place",
            "nomVoie": "du Marché",
            "codePostal": "61400",
            "ville": "Mortagne-au-Perche",
            "pays": "France",
        },
    }
    if siren:
        person["numeroImmatriculation"] = {
            "numeroIdentification": spaced,
            "codeRCS": "RCS",
            "nomGreffeImmat": "Alençon",
        }
    return {
        "id": f"A20260222{number}",
        "publicationavis": "A",
        "parution": "20260222",
        "dateparution": published,
        "numeroannonce": number,
        "typeavis": "annonce",
        "typeavis_lib": "Avis initial",
        "familleavis": "collective",
        "familleavis_lib": "Procédures collectives",
        "tribunal": "Greffe du Tribunal de Commerce d'Alençon",
        "commercant": name,
        "registre": [siren, spaced] if siren else [],
        "listepersonnes": json.dumps({"personne": person}, ensure_ascii=False),
        "jugement": json.dumps(
            {
                "type": "initial",
                "famille": family,
                "nature": nature,
                "date": judged,
                "complementJugement": complement,
            },
            ensure_ascii=False,
        ),
        "url_complete": f"https://www.bodacc.fr/pages/annonces-commerciales-detail/?q.id=id:A20260222{number}",
    } | fields


def earlier(number: int = 1001) -> str:
    """What a correction or a cancellation says of the notice it names."""
    return json.dumps(
        {
            "nomPublication": "BODACC A",
            "numeroParution": "20260222",
            "dateParution": "2026-11-20",
            "numeroAnnonce": str(number),
        }
    )


def as_file(*records: dict[str, Any]) -> bytes:
    """Explore v2.1."""
    return json.dumps({"total_count": len(records), "results": list(records)}, ensure_ascii=False).encode()


def take(*records: dict[str, Any], today: date = TODAY, **values: Any) -> Taken:
    return take_watch_file(
        **{
            "actor": SYSTEM,
            "content": as_file(*records),
            "name": "annonces.json",
            "source": WatchFile.Source.UPLOAD,
            "today": today,
            "now": NOW,
        }
        | values
    )
