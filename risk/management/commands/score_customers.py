"""`score_customers`: score every customer as of a day."""

import json
from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from core import clock
from core.errors import BusinessError
from core.rights import SYSTEM
from risk.operations.scoring import score_customers


def iso_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(_("« %s » n’est pas une date AAAA-MM-JJ") % text) from None


class Command(BaseCommand):
    help = "Calcule le score de comportement de paiement de chaque client. Dernière ligne : JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=iso_date, default=None, metavar="AAAA-MM-JJ")

    def handle(self, *args: Any, **options: Any) -> None:
        started = clock.now()
        try:
            outcome = score_customers(actor=SYSTEM, as_of=options["as_of"] or clock.today(), now=started)
        except BusinessError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            json.dumps(
                {
                    "as_of": outcome.as_of.isoformat(),
                    "customers": outcome.customers,
                    "class_changes": outcome.class_changes,
                    "classes": outcome.classes,
                    "seconds": round((clock.now() - started).total_seconds(), 2),
                }
            )
        )
