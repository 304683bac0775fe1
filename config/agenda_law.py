"""The agenda's entries on the law: claims about to be barred, waivers that may be void, rates to come or to confirm."""

from collections.abc import Callable, Iterable
from datetime import date

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.agenda_entries import MOST_COUNTED, Entry, bounded, written
from core.legal import expiring_series, register, unconfirmed_rates
from core.legal_register import ECB_RATE, LEGAL_INTEREST, MissingLegalParameter, label_of
from core.models import User
from customers.models import Customer
from dunning.fee_waivers import WAIVER_ALLOWED, is_allowed
from dunning.limitation_reads import approaching
from dunning.models import FeeWaiver
from invoices.late_fee_laws import BASE_RATES, law_of, series_of
from invoices.models import OpenItem

# The agenda warns three months before; the list shows the whole year.
ALERT_MONTHS = 3


def _limitation(user: User, today: date) -> Iterable[Entry]:
    """Claims whose prudent date comes within three months, or has passed: one pass over the ledger for both."""
    try:
        claims = approaching(user, register(), today=today, months=ALERT_MONTHS)
    except MissingLegalParameter:
        return
    soon, passed = Q(act_by__gte=today), Q(act_by__lt=today)
    totals = list(
        claims.order_by()
        .values("currency")
        .annotate(
            soon=Count("pk", filter=soon),
            soon_amount=Sum("open_amount", filter=soon),
            passed=Count("pk", filter=passed),
            passed_amount=Sum("open_amount", filter=passed),
        )
    )
    if count := sum(total["soon"] for total in totals):
        yield Entry(
            key="limitation",
            count=min(count, MOST_COUNTED),
            title=ngettext("créance bientôt prescrite", "créances bientôt prescrites", count),
            reason=_(
                "À interrompre dans les trois mois : reconnaissance de dette, demande en justice ou acte d’exécution."
            ),
            url=f"{reverse('dunning:limitation-list')}?within=3",
            action=_("Agir"),
            tone="late",
            amounts=written({t["currency"]: t["soon_amount"] for t in totals if t["soon"]}),
        )
    if count := sum(total["passed"] for total in totals):
        yield Entry(
            key="barred",
            count=min(count, MOST_COUNTED),
            title=ngettext(
                "créance dont la date prudente est passée", "créances dont la date prudente est passée", count
            ),
            reason=_("Un acte non enregistré peut les avoir sauvées : vérifiez, ou passez-les en perte."),
            url=f"{reverse('dunning:limitation-list')}?within=passed",
            action=_("Vérifier"),
            tone="watch",
            amounts=written({t["currency"]: t["passed_amount"] for t in totals if t["passed"]}),
        )


def _waivers(user: User, today: date) -> Iterable[Entry]:
    """Waivers in force although they are not permitted any more."""
    try:
        if is_allowed(register(), today):
            return
    except MissingLegalParameter:
        pass
    count = bounded(
        FeeWaiver.objects.filter(item__in=OpenItem.objects.visible_to(user), revoked_on__isnull=True)
    )
    if count:
        yield Entry(
            key="void_waivers",
            count=count,
            title=ngettext("remise qui peut être nulle", "remises qui peuvent être nulles", count),
            reason=_("Le paramètre légal « %(key)s » ne permet plus de remise.") % {"key": WAIVER_ALLOWED},
            url=reverse("dunning:waiver-list"),
            action=_("Vérifier"),
            tone="watch",
        )


def _rates(user: User, today: date) -> Iterable[Entry]:
    """Rates in use that run out within ninety days, that nobody entered, or that nobody confirmed."""
    laws = [
        law_of(text)
        for text in Customer.objects.order_by().values_list("late_payment_law", flat=True).distinct()
    ]
    used = {key for law in laws for key in series_of(law)}
    unused = set(BASE_RATES.values()) - used
    ending = [series for series in expiring_series(today) if series.key not in unused]
    if ending:
        yield Entry(
            key="legal_parameters",
            count=len(ending),
            title=ngettext("paramètre légal à renouveler", "paramètres légaux à renouveler", len(ending)),
            reason=_("%(label)s : dernière valeur connue jusqu’au %(day)s.")
            % {"label": ending[0].label, "day": f"{ending[0].last_day:%d/%m/%Y}"},
            url=reverse("core:legal-parameter-list"),
            action=_("Renouveler"),
            tone="late" if ending[0].days_left < 0 else "watch",
        )  # fmt: skip
    legal = register()
    missing = sorted(used - legal.values.keys() - {ECB_RATE, LEGAL_INTEREST})
    if missing:
        yield Entry(
            key="missing_rates",
            count=len(missing),
            title=ngettext("taux légal à saisir", "taux légaux à saisir", len(missing)),
            reason=_("%(label)s : aucun taux ; les clients dont le contrat le suit ne sont pas relancés.")
            % {"label": label_of(missing[0])},
            url=f"{reverse('core:legal-parameter-enter')}?key={missing[0]}",
            action=_("Saisir"),
            tone="late",
        )
    unconfirmed = sorted(unconfirmed_rates(used, today, today), key=lambda value: value.key != ECB_RATE)
    if unconfirmed:
        yield Entry(
            key="unconfirmed_rates",
            count=len(unconfirmed),
            title=ngettext("taux légal à confirmer", "taux légaux à confirmer", len(unconfirmed)),
            reason=_("%(label)s : %(value)s, lu dans une source secondaire ; les lettres qui en usent le signalent.")
            % {"label": unconfirmed[0].label, "value": unconfirmed[0].shown},
            url=reverse("core:legal-parameter-list"),
            action=_("Confirmer"),
            tone="watch",
        )  # fmt: skip


LAW_READS: tuple[tuple[str, Callable[[User, date], Iterable[Entry]]], ...] = (
    ("dunning.record_limitation", _limitation),
    ("dunning.waive", _waivers),
    ("core.manage_legal_parameters", _rates),
)
