"""`dun`: plan the runs of a day, or simulate them."""

import json
from collections import Counter
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from core import clock
from core.errors import BusinessError
from core.legal import MissingLegalParameter
from core.rights import SYSTEM
from customers.models import LegalEntity
from dunning.operations.runs import dun, simulate


class Command(BaseCommand):
    help = "Plan the dunning run of a day for every legal entity, or for one. Last line: JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, default=None, metavar="YYYY-MM-DD")
        parser.add_argument("--entity", metavar="CODE", default=None)
        parser.add_argument("--simulate", action="store_true", help="compute everything, keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = options["as_of"] or clock.today()
        if as_of > clock.today() and not options["simulate"]:
            raise CommandError(
                _("Une campagne ne se prépare pas pour un jour à venir : simulez-la (--simulate).")
            )
        entities = LegalEntity.objects.order_by("code")
        if options["entity"]:
            entities = entities.filter(code=options["entity"])
            if not entities:
                raise CommandError(_("Aucune entité juridique n’a le code « %s ».") % options["entity"])
        try:
            if options["simulate"]:
                outcomes = simulate(actor=SYSTEM, legal_entities=entities, as_of=as_of, now=clock.now())
            else:
                outcomes = [
                    dun(actor=SYSTEM, legal_entity=entity, as_of=as_of, now=clock.now())
                    for entity in entities
                ]
        except (BusinessError, MissingLegalParameter) as error:
            raise CommandError(str(error)) from error
        excluded: Counter[str] = Counter()
        for outcome in outcomes:
            excluded.update(outcome.excluded)
        self.stdout.write(
            json.dumps(
                {
                    "as_of": as_of.isoformat(),
                    "simulated": options["simulate"],
                    "runs": [outcome.run_id for outcome in outcomes if outcome.run_id],
                    "guarded": sum(outcome.is_guarded for outcome in outcomes),
                    "notices": sum(outcome.notices for outcome in outcomes),
                    "lines": sum(outcome.lines for outcome in outcomes),
                    "excluded": dict(sorted(excluded.items())),
                }
            )
        )
