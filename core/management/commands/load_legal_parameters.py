"""Bring the registry of legal values up to the values shipped with the product."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from core.legal import shipped_values
from core.operations.legal_parameters import load_legal_parameters
from core.rights import SYSTEM


class Command(BaseCommand):
    help = "Charge les paramètres légaux livrés ; ne remplace jamais une valeur confirmée ou modifiée ici."

    def handle(self, *args: Any, **options: Any) -> None:
        result = load_legal_parameters(actor=SYSTEM, values=shipped_values())
        self.stdout.write(json.dumps(asdict(result)))
