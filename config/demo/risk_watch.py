"""Announcements of the demo: the openings of its insolvent customers, one that contradicts, one that moves."""

import json
from datetime import date, datetime, timedelta

from core.rights import SYSTEM
from customers.models import Customer
from risk.models import InsolvencyProceeding, WatchFile
from risk.operations.legal_events import take_watch_file

PROCEEDINGS = 8
RECEIVERSHIP = "Jugement d'ouverture d'une procédure de redressement judiciaire"
LIQUIDATION = "Jugement d'ouverture de liquidation judiciaire"
UNCLEAR = "Autre jugement prononçant"
# Invented people: the demo names nobody.
TEXT = (
    "Jugement prononçant l'ouverture de la procédure, désignant mandataire judiciaire SELARL Démonstration et associés "
    "1 place du Palais 61000 Alençon. Les créances sont à déclarer dans les deux mois de la présente publication."
)


def add_announcements(*, as_of: date, now: datetime) -> int:
    """Take in one file of made-up announcements for the insolvent customers. Returns the proceedings."""
    insolvent = list(
        Customer.objects.filter(status=Customer.Status.INSOLVENT, insolvency_date__lte=as_of)
        .exclude(siren="")
        .order_by("pk")[:PROCEEDINGS]
    )
    records = [
        _judgment(customer, (RECEIVERSHIP, LIQUIDATION)[number % 2], number, as_of)
        for number, customer in enumerate(insolvent, start=1)
    ]
    others = Customer.objects.filter(status=Customer.Status.ACTIVE).exclude(siren="").order_by("-pk")[:2]
    for number, customer in enumerate(others, start=900):
        record = _judgment(customer, UNCLEAR, number, as_of)
        if number > 900:
            record = {
                "id": f"B{as_of:%Y}0999{number}",
                "dateparution": as_of.isoformat(),
                "familleavis": "radiation",
                "commercant": customer.name,
                "registre": [customer.siren],
            }
        records.append(record)
    if not records:
        return 0
    take_watch_file(
        actor=SYSTEM,
        content=json.dumps({"total_count": len(records), "results": records}, ensure_ascii=False).encode(),
        name=f"annonces-{as_of:%Y-%m-%d}.json",
        source=WatchFile.Source.FOLDER,
        today=as_of,
        now=now,
    )
    return InsolvencyProceeding.objects.count()


def _judgment(customer: Customer, nature: str, number: int, as_of: date) -> dict[str, object]:
    judged = customer.insolvency_date or as_of - timedelta(days=6)
    published = min(judged + timedelta(days=8), as_of)
    person = {
        "typePersonne": "pm",
        "denomination": customer.name,
        "numeroImmatriculation": {"numeroIdentification": customer.siren},
    }
    judgment = {
        "type": "initial",
        "famille": "Jugement d'ouverture",
        "nature": nature,
        "date": judged.isoformat(),
        "complementJugement": TEXT,
    }
    return {
        "id": f"A{published:%Y}0999{number}",
        "dateparution": published.isoformat(),
        "familleavis": "collective",
        "typeavis": "annonce",
        "tribunal": "Greffe du Tribunal de Commerce d'Alençon",
        "commercant": customer.name,
        "registre": [customer.siren],
        "listepersonnes": json.dumps({"personne": person}, ensure_ascii=False),
        "jugement": json.dumps(judgment, ensure_ascii=False),
    }
