"""`render_letters`: print every approved notice now, in one or several processes."""

import json
import subprocess
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core import clock
from core.legal import register
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Notice
from dunning.operations.letters import render_next


class Command(BaseCommand):
    help = "Render the letters of all approved notices. Last line: JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--processes", type=int, default=1, help="how many processes share the work")

    def handle(self, *args: Any, **options: Any) -> None:
        start = time.monotonic()
        others = [
            subprocess.Popen(
                [sys.executable, sys.argv[0], "render_letters"], stdout=subprocess.PIPE, text=True
            )
            for _ in range(options["processes"] - 1)
        ]
        counts = self._render()
        for other in others:
            output, _errors = other.communicate()
            told = json.loads(output.strip().splitlines()[-1])
            counts = {key: counts[key] + told[key] for key in counts}
        self.stdout.write(json.dumps({**counts, "seconds": round(time.monotonic() - start, 3)}))

    def _render(self) -> dict[str, int]:
        facts = LetterFacts(register())
        counts = {"letters": 0, "held": 0}
        while notice := render_next(actor=SYSTEM, facts=facts, today=clock.today(), now=clock.now()):
            counts["letters" if notice.status == Notice.Status.RENDERED else "held"] += 1
        return counts
