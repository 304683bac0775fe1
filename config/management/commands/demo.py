"""`demo`: fill an empty database with a fictitious group, its customers and its books. Last line: JSON."""

import json
import sys
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config.demo.creditors import PASSWORD, Account
from config.demo.portfolio import (
    DEFAULT_CUSTOMERS,
    DEFAULT_INVOICES,
    DEFAULT_SEED,
    Demo,
    is_empty,
    load_demo,
)
from core import clock
from core.errors import BusinessError
from core.models import Role, User

_FIRST_DAY, _LAST_DAY = date(2012, 1, 1), date(2100, 12, 31)
_MOST = 5_000_000


def _as_of(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CommandError(
            _("« %s » n’est pas une date : écrivez AAAA-MM-JJ, par exemple 2026-11-22.") % text
        ) from None
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise CommandError(_("La date doit être entre le 01/01/2012 et le 31/12/2100."))
    return day


class Command(BaseCommand):
    help = "Remplit une base vide d’un portefeuille de démonstration. Dernière ligne : JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--customers", type=int, default=DEFAULT_CUSTOMERS, metavar="N", help="clients")
        parser.add_argument(
            "--invoices",
            type=int,
            default=DEFAULT_INVOICES,
            metavar="M",
            help="factures par client, en moyenne",
        )
        parser.add_argument(
            "--seed", type=int, default=DEFAULT_SEED, metavar="S", help="mêmes arguments, mêmes données"
        )
        parser.add_argument(
            "--as-of", default="", metavar="AAAA-MM-JJ", help="date du jour de la démonstration"
        )
        parser.add_argument(
            "--bare", action="store_true", help="les comptes seuls : ni balance, ni score, ni relances"
        )
        parser.add_argument("--if-empty", action="store_true", help="ne fait rien si la base n’est pas vide")
        parser.add_argument(
            "--accounts", action="store_true", help="affiche les comptes d’accès (seul : ne charge rien)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["accounts"] and not options["if_empty"]:
            self._tell_accounts()
            return
        if options["if_empty"] and not is_empty():
            if options["accounts"]:
                self._tell_accounts()
            self.stdout.write(json.dumps({"loaded": False}))
            return
        demo = Demo(options["customers"], options["invoices"], options["seed"], options["bare"])
        if demo.customers < 1 or demo.invoices < 1 or demo.customers * demo.invoices > _MOST:
            raise CommandError(
                _("Au moins un client et une facture par client, et %(most)d factures au plus.")
                % {"most": _MOST}
            )
        as_of = _as_of(options["as_of"]) if options["as_of"] else clock.today()
        try:
            loaded = load_demo(demo=demo, as_of=as_of, say=self.stderr.write)
        except BusinessError as error:
            raise CommandError(error.message) from None
        for note in loaded.notes:
            self.stderr.write(note)
        self.stdout.write(
            _(
                "Démonstration au %(day)s : %(customers)d clients, %(invoices)d factures, %(payments)d règlements, "
                "%(allocations)d lettrages, %(letters)d courriers, %(notices)d relances à valider."
            )
            % {
                "day": as_of.strftime("%d/%m/%Y"),
                "customers": loaded.customers,
                "invoices": loaded.invoices,
                "payments": loaded.payments,
                "allocations": loaded.allocations,
                "letters": loaded.letters,
                "notices": loaded.notices,
            }
        )
        for account in loaded.accounts:
            self.stdout.write(_line(account))
        self.stdout.write(
            json.dumps(
                {
                    "loaded": True,
                    **{
                        name: value
                        for name, value in asdict(loaded).items()
                        if name not in ("accounts", "notes")
                    },
                    "seed": demo.seed,
                    "as_of": as_of.isoformat(),
                    "accounts": [asdict(account) for account in loaded.accounts],
                },
                ensure_ascii=False,
            )
        )

    def _tell_accounts(self) -> None:
        """Who may sign in: the demo's people while their password still is the demo's, else the addresses."""
        people = User.objects.filter(is_active=True).exclude(grants__role=Role.API_PARTNER).order_by("pk")
        main = people.filter(email="demo@encours.example").first()
        is_demo = main is not None and main.check_password(PASSWORD)
        for user in people.prefetch_related("grants")[:10]:
            if is_demo and user.email.endswith("@encours.example"):
                roles = ", ".join(grant.get_role_display() for grant in user.grants.all())
                self.stdout.write(f"{user.email:<32} {PASSWORD}   {user.full_name} ({roles})")
            else:
                self.stdout.write(user.email)
        if not people:
            print(_("Personne ne peut encore se connecter : créez un compte."), file=sys.stderr)


def _line(account: Account) -> str:
    roles = ", ".join(str(Role(role).label) for role in account.roles)
    return f"{account.login:<32} {account.secret}   {account.name} ({roles} ; {account.sees})"
