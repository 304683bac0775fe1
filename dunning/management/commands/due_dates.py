"""Recompute a file of worked cases of due dates and procedural deadlines, and show computed beside expected."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from core.legal_register import MissingLegalParameter, Register
from core.management.registry import command_register
from core.worked_cases import CaseFileError, WorkedCase, read_case_file
from customers.legal_terms import term_limits
from customers.payment_terms import CapCheck, Term, cap_check
from dunning.due_date_check import REQUIRED_COLUMNS, DueDateCase, compare, facts_of
from risk.legal_deadlines import time_limit
from risk.procedural_deadlines import Procedure


class Command(BaseCommand):
    help = "Recalcule un fichier de cas d’échéances et de délais de procédure et compare avec les dates attendues."

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
        mismatches = 0
        for case in cases:
            try:
                facts = facts_of(case)
                comparisons = compare(case, facts, self.checked(case, facts, register))
            except ValueError as error:
                mismatches += 1
                self.complain(case, str(error))
                continue
            agrees = not any(comparison.agrees is False for comparison in comparisons)
            mismatches += not agrees
            self.stdout.write(f"{case.name} : {_('conforme') if agrees else _('ÉCART')}")
            for comparison in comparisons:
                mark = {True: "=", False: "≠", None: "?"}[comparison.agrees]
                self.stdout.write(
                    f"  {comparison.column} : {comparison.computed} {mark} {comparison.expected}"
                )
        self.stdout.write(json.dumps({"rows": len(cases), "mismatches": mismatches}))

    def checked(self, case: WorkedCase, facts: DueDateCase, register: Register) -> CapCheck | None:
        """The legal limit of a term; a missing or different legal value is said and stops nothing."""
        try:
            if isinstance(facts.rule, Term):
                return cap_check(facts.rule, facts.base, term_limits(register, facts.base))
            rule = facts.rule
            if rule.procedure is not Procedure.PRESCRIPTION:
                lawful = time_limit(register, rule.procedure, facts.base, abroad=rule.abroad)
                if (lawful.count, lawful.unit) != (rule.count, rule.unit):
                    self.complain(
                        case,
                        _(
                            "le délai en vigueur à cette date est %(count)d%(unit)s, le fichier demande autre chose."
                        )
                        % {"count": lawful.count, "unit": lawful.unit},
                    )
        except MissingLegalParameter as missing:
            self.complain(case, str(missing))
        return None

    def complain(self, case: WorkedCase, message: str) -> None:
        self.stderr.write(
            _("Ligne %(line)d (%(name)s) : %(error)s")
            % {"line": case.line, "name": case.name, "error": message}
        )
