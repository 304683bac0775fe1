"""Measure predictions on a file of past invoices, or of companies' ratios, beside simple rules (docs/prediction.md)."""

import json
import time
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

HORIZONS = (15, 7, 3, 0, -10)


class Command(BaseCommand):
    help = (
        "Back-test payment predictions (or, with --kind failure, failure predictions) on a CSV or ARFF file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--kind", choices=("payment", "failure"), default="payment")
        parser.add_argument(
            "--days-before-due", type=int, default=15, help="issue date when the file has none"
        )
        parser.add_argument(
            "--horizons", default="", help="days before the due date, e.g. 15,7,0 (negative: after)"
        )
        parser.add_argument("--mark", type=int, default=0, help="the horizon of the headline figures")
        parser.add_argument("--test-from", type=date.fromisoformat, help="first due date of the test period")
        parser.add_argument("--test-until", type=date.fromisoformat, help="last due date of the test period")
        parser.add_argument("--refit-days", type=int, default=30)
        parser.add_argument("--seed", type=int, default=20_261_123)
        parser.add_argument("--label", default="", help="label column of a ratio table")
        parser.add_argument("--folds", type=int, default=5)

    def handle(self, *args: Any, **options: Any) -> None:
        from risk.prediction.tables import UnreadableTable

        started = time.process_time()
        try:
            found = self._failure(options) if options["kind"] == "failure" else self._payment(options)
        except (UnreadableTable, ValueError) as error:
            raise CommandError(str(error)) from error
        found["cpu_seconds"] = round(time.process_time() - started, 1)
        self.stdout.write(json.dumps(found, ensure_ascii=False))

    def _payment(self, options: dict[str, Any]) -> dict[str, Any]:
        from risk.prediction import backtest
        from risk.prediction.payment import Settings
        from risk.prediction.tables import read_invoices

        table = read_invoices(options["file"], options["days_before_due"])
        ledger = table.ledger
        border = options["test_from"].toordinal() if options["test_from"] else backtest.border_of(ledger)
        if options["test_until"]:
            ledger = ledger.take(ledger.due <= options["test_until"].toordinal())
        horizons = tuple(int(part) for part in options["horizons"].split(",") if part) or HORIZONS
        self.stdout.write(
            f"{table.row_count} rows, {table.duplicate_count} duplicates left out, "
            f"test period due from {date.fromordinal(border)}"
        )
        trials = backtest.rolling(
            ledger,
            border=border,
            horizons=horizons,
            refit_days=options["refit_days"],
            settings=Settings(seed=options["seed"]),
        )
        before = backtest.before_border(ledger, border)
        told = {}
        for horizon, trial in trials.items():
            told[horizon] = backtest.measures(trial, before)
            self.stdout.write(self._line(horizon, told[horizon]))
        mark = options["mark"] if options["mark"] in told else next(iter(told), None)
        return {
            "kind": "payment",
            "test_from": date.fromordinal(border).isoformat(),
            "duplicates": table.duplicate_count,
            "seed": options["seed"],
            "mark_days_before_due": mark,
            "horizons": told,
            **({} if mark is None else told[mark]["model"]),
        }

    def _line(self, horizon: int, found: dict[str, Any]) -> str:
        model = found["model"]
        return (
            f"{horizon:+4d} d before due, {found['count']} items: AUC {model['auc']} "
            f"(customer late rate {found['customer_late_rate']['auc']}), accuracy {model['accuracy']}, "
            f"Brier {model['brier']}, MAE {model['mae_days']} (customer median "
            f"{found['customer_median']['mae_days']}, constant {found['constant']['mae_days']}), "
            f"within 3 days {model['within_3_days']}, band {model['band_share']}"
        )

    def _failure(self, options: dict[str, Any]) -> dict[str, Any]:
        from risk.prediction.failure import cross_validated
        from risk.prediction.tables import read_ratios

        table = read_ratios(options["file"], options["label"])
        self.stdout.write(f"{len(table.failed)} companies, {int(table.failed.sum())} failed")
        return {"kind": "failure", **cross_validated(table, folds=options["folds"], seed=options["seed"])}
