"""Recompute a file of worked cases of late-payment interest, and show computed beside expected."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from core.legal_register import MissingLegalParameter
from core.management.registry import command_register
from core.worked_cases import CaseFileError, read_case_file
from invoices.late_fee_check import REQUIRED_COLUMNS, compare, facts_of
from invoices.late_fee_laws import rule_under
from invoices.late_fee_parameters import late_fee_parameters, reference_rates
from invoices.late_fees import late_fees


class Command(BaseCommand):
    help = "Recalcule un fichier de cas de pénalités de retard et compare avec les montants attendus."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FICHIER.csv")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cases = read_case_file(options["file"], REQUIRED_COLUMNS)
        except CaseFileError as error:
            raise CommandError(str(error)) from None
        register, from_database = command_register()
        if not from_database:
            self.stderr.write(
                _("Base de données injoignable : les paramètres livrés avec Encours sont utilisés.")
            )
        rates = reference_rates(register)
        mismatches = 0
        for case in cases:
            try:
                facts = facts_of(case)
                parameters = late_fee_parameters(register, facts.claim.due_date)
                if facts.floor_policy is not None:
                    parameters = replace(parameters, floor_policy=facts.floor_policy)
                if facts.indemnity_waived_below is not None:
                    parameters = replace(parameters, de_minimis=facts.indemnity_waived_below)
                claim = facts.claim
                if facts.law is not None:
                    rule, parameters = rule_under(
                        register,
                        facts.law,
                        claim.debtor,
                        None,
                        parameters,
                        claim.due_date,
                        formal_notice=claim.interest_start is not None,
                    )
                    claim = replace(claim, rule=rule)
                fees = late_fees(claim, rates, parameters)
                comparisons = compare(case, fees)
            except (ValueError, MissingLegalParameter) as error:
                mismatches += 1
                self.stderr.write(
                    _("Ligne %(line)d (%(name)s) : %(error)s")
                    % {"line": case.line, "name": case.name, "error": error}
                )
                continue
            agrees = all(comparison.agrees for comparison in comparisons)
            mismatches += not agrees
            self.stdout.write(f"{case.name} : {_('conforme') if agrees else _('ÉCART')}")
            for comparison in comparisons:
                mark = "=" if comparison.agrees else "≠"
                self.stdout.write(f"  {comparison.name} : {comparison.computed} {mark} {comparison.expected}")
            if facts.read_from_explanation:
                told = ", ".join(facts.read_from_explanation)
                self.stdout.write("  " + _("lu dans l’explication : %(facts)s") % {"facts": told})
            if fees.reasons:
                self.stdout.write("  " + _("motifs : %(reasons)s") % {"reasons": ", ".join(fees.reasons)})
        self.stdout.write(json.dumps({"rows": len(cases), "mismatches": mismatches}))
