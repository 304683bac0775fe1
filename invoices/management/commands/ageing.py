"""`ageing --as-of DATE`: the balance âgée on the standard output, its totals as JSON on the last line."""

import csv
import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from core import clock
from core.calendar import DateError, parse_french_date
from core.rights import SYSTEM
from customers.models import LegalEntity
from invoices.ageing import AgeingFilters, ageing_rows_of_all, ageing_totals
from invoices.ageing_buckets import Basis, Credits, Scheme


def day(text: str) -> date:
    try:
        return parse_french_date(text)
    except DateError as error:
        raise ArgumentTypeError(str(error)) from None


def bounds(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
        Scheme(bounds=found)
    except ValueError:
        raise ArgumentTypeError(
            _("« %(text)s » : écrivez des nombres de jours croissants, par exemple 30,60,90.")
            % {"text": text}
        ) from None
    return found


class Command(BaseCommand):
    help = "Balance âgée à une date : totaux par devise en JSON, et le détail par client avec --format csv."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--as-of", type=day, metavar="DATE", help="aaaa-mm-jj ou jj/mm/aaaa ; aujourd’hui sinon"
        )
        parser.add_argument("--entity", metavar="CODE", help=_("une seule entité juridique"))
        parser.add_argument("--format", choices=("json", "csv"), default="json")
        parser.add_argument("--basis", choices=[basis.value for basis in Basis], default=Basis.DUE.value)
        parser.add_argument(
            "--credits", choices=[kind.value for kind in Credits], default=Credits.APART.value
        )
        parser.add_argument("--bounds", type=bounds, default=(), metavar="30,60,90")
        parser.add_argument("--currency", metavar="EUR", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        scheme = Scheme(Basis(options["basis"]), options["bounds"], Credits(options["credits"]))
        asked = {
            "actor": SYSTEM,
            "as_of": options["as_of"] or clock.today(),
            "legal_entity": self._entity(options["entity"]),
            "filters": AgeingFilters(currency=options["currency"].strip().upper()),
            "scheme": scheme,
        }
        if options["format"] == "csv":
            self._print_rows(asked, scheme)
        totals = ageing_totals(**asked)
        names = _names(scheme)
        result = {
            "as_of": asked["as_of"].isoformat(),
            "entity": options["entity"],
            "total": {each.currency: str(each.total) for each in totals},
            "sub_ledger_total": {each.currency: str(each.sub_ledger) for each in totals},
            "buckets": {
                each.currency: dict(zip(names, map(str, each.buckets), strict=True)) for each in totals
            },
            "credits": {each.currency: str(each.credits) for each in totals},
            "overdue": {each.currency: str(each.overdue) for each in totals},
            "disputed": {each.currency: str(each.disputed) for each in totals},
            "customers": {each.currency: each.customer_count for each in totals},
            "seconds": round(time.monotonic() - started, 3),
        }
        self.stdout.write(json.dumps(result, ensure_ascii=False))

    def _entity(self, code: str | None) -> LegalEntity | None:
        if code is None:
            return None
        try:
            return LegalEntity.objects.get(code=code)
        except LegalEntity.DoesNotExist:
            known = ", ".join(LegalEntity.objects.values_list("code", flat=True)) or _("aucune")
            raise CommandError(
                _("Aucune entité juridique n’a le code « %(code)s ». Codes connus : %(known)s.")
                % {"code": code, "known": known}
            ) from None

    def _print_rows(self, asked: dict[str, Any], scheme: Scheme) -> None:
        writer = csv.writer(self.stdout, delimiter=";", lineterminator="\n")
        writer.writerow(
            ["account_code", "name", "currency", *_names(scheme), "credits", "total", "overdue", "disputed"]
        )
        for row in ageing_rows_of_all(sort="name", **asked):
            amounts = (*row.buckets, row.credits, row.total, row.overdue, row.disputed)
            writer.writerow([row.account_code, row.customer_name, row.currency, *map(str, amounts)])


def _names(scheme: Scheme) -> list[str]:
    """Names of the buckets for machines: not_due, 1-30, … or 0-30, …; the last one is open-ended: 121+."""
    names = []
    for index in range(scheme.size):
        first, last = scheme.day_range(index)
        if first is None:
            names.append("not_due" if scheme.basis == Basis.DUE else f"0-{last}")
        else:
            names.append(f"{first}+" if last is None else f"{first}-{last}")
    return names
