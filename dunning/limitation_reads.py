"""The limitation dates of items: of a few, with their events; of a whole ledger, as a column of its query."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import (
    BooleanField,
    Case,
    DateField,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, ExtractYear, Greatest, Least

from core.calendar import add_months
from core.legal_register import MissingLegalParameter, Register
from core.rights import Actor
from customers.models import Customer
from dunning.limitation import Event, EventKind, Limitation, Regime, limitation_of, period_of, regime_of
from dunning.models import LimitationEvent
from invoices.models import Allocation, OpenItem
from risk.legal_deadlines import LIMITATION_YEARS


@dataclass(frozen=True)
class ItemLimitation:
    """The dates of one item and what they rest on; `missing` says why there are none."""

    item: OpenItem
    limitation: Limitation | None
    events: tuple[LimitationEvent, ...]
    missing: str = ""


def limitations(items: Sequence[OpenItem], legal: Register) -> dict[int, ItemLimitation]:
    """The limitation of each item, by its key; items come with `customer`. Three queries."""
    events: dict[int, list[LimitationEvent]] = defaultdict(list)
    rows = LimitationEvent.objects.filter(item__in=items, withdrawn_on__isnull=True)
    for row in rows.select_related("recorded_by", "file").order_by("happened_on", "id"):
        events[row.item_id].append(row)
    paid = _part_payments(items)
    return {item.pk: _limitation(item, events[item.pk], paid.get(item.pk, []), legal) for item in items}


def _limitation(
    item: OpenItem, rows: Sequence[LimitationEvent], paid: Sequence[date], legal: Register
) -> ItemLimitation:
    customer = item.customer
    events = [event_of(row) for row in rows]
    events += [Event(EventKind.PART_PAYMENT, day, is_certain=False) for day in paid]
    regimes = regime_of(
        debtor_kind=customer.kind, nature=customer.claim_nature, contract_years=customer.limitation_years
    )
    try:
        period = period_of(legal, regimes, item.due_date, contract_years=customer.limitation_years)
    except MissingLegalParameter as error:
        return ItemLimitation(item, None, tuple(rows), str(error))
    found = limitation_of(period, due_date=item.due_date, issue_date=item.issue_date, events=events)
    return ItemLimitation(item, found, tuple(rows))


def event_of(row: LimitationEvent) -> Event:
    return Event(EventKind(row.kind), row.happened_on, row.ended_on, row.is_certain)


def _part_payments(items: Sequence[OpenItem]) -> dict[int, list[date]]:
    """Payments still in force that settled a part only: each may be an acknowledgement (C. civ. 2240)."""
    paid: dict[int, list[date]] = defaultdict(list)
    rows = Allocation.objects.filter(
        debit__in=items, reversed_on__isnull=True, credit__kind=OpenItem.Kind.PAYMENT
    )
    for debit, day in rows.order_by("allocated_on", "id").values_list("debit", "allocated_on"):
        paid[debit].append(day)
    return paid


def with_act_by(items: "QuerySet[OpenItem]", legal: Register, on: date) -> "QuerySet[OpenItem]":
    """The items with `act_by`, the last prudent day to act; null where no period is known for their due date."""
    years = _years(legal)
    from_next_year = Case(
        When(_is_public(), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    start = Least(F("due_date"), F("issue_date"))
    events = LimitationEvent.objects.filter(item=OuterRef("pk"), withdrawn_on__isnull=True)
    whole = Func(
        F("pk"),
        start,
        F("limit_years"),
        from_next_year,
        Value(legal.parameter("fr.limitation.long_stop_years", on).integer),
        Value(legal.parameter("fr.limitation.suspension_min_months", on).integer),
        function="dunning_act_by",
        output_field=DateField(),
    )
    # The same as dunning_period_end, written out: calling it for each of 400,000 rows takes seconds.
    last_year = Cast(ExtractYear(start) + F("limit_years"), IntegerField())
    plain = Case(
        When(
            _is_public(),
            then=Func(last_year, Value(12), Value(31), function="make_date", output_field=DateField()),
        ),
        default=Func(
            start,
            F("limit_years"),
            template="(%(expressions)s))::date",
            arg_joiner=" + make_interval(years => ",
            output_field=DateField(),
        ),
        output_field=DateField(),
    )
    return items.annotate(limit_years=years).annotate(
        act_by=Case(When(Exists(events), then=whole), default=plain, output_field=DateField())
    )


def approaching(actor: Actor, legal: Register, *, today: date, months: int) -> "QuerySet[OpenItem]":
    """Open claims in the actor's scope whose `act_by` comes within so many months, or has passed."""
    claims = OpenItem.objects.visible_to(actor).filter(open_amount__gt=0)
    horizon = add_months(today, months)
    performed = LimitationEvent.objects.filter(
        item=OuterRef("pk"), withdrawn_on__isnull=True, kind=LimitationEvent.Kind.PERFORMANCE
    )
    claims = claims.filter(_old_enough(legal, horizon) | Exists(performed))
    return with_act_by(claims, legal, today).filter(act_by__lte=horizon)


SHORT_NATURES = (Customer.ClaimNature.CARRIAGE, Customer.ClaimNature.SHIPPING, Customer.ClaimNature.UNKNOWN)


def _old_enough(legal: Register, horizon: date) -> Q:
    """What may be barred by a day, by plain comparisons: the column itself is then computed for few rows."""

    def started(keys: Sequence[str]) -> Q:
        years = min((value.integer for key in keys for value in legal.values.get(key, ())), default=0)
        day = add_months(horizon, -12 * years)
        return Q(issue_date__lte=day) | Q(due_date__lte=day)

    shortest = started([*LIMITATION_YEARS.values(), "fr.limitation.contract_min_years"])
    is_short = Q(customer__claim_nature__in=SHORT_NATURES) | Q(customer__limitation_years__isnull=False)
    ordinary = started([LIMITATION_YEARS[Regime.B2B]])
    by_kind = started([LIMITATION_YEARS[Regime.B2C], LIMITATION_YEARS[Regime.PUBLIC]])
    is_other = Q(customer__kind__in=[Customer.Kind.CONSUMER, Customer.Kind.PUBLIC_BODY])
    return ordinary | (shortest & is_short) | (by_kind & is_other)


def _is_public() -> Q:
    return Q(customer__kind=Customer.Kind.PUBLIC_BODY) & ~Q(customer__claim_nature__in=SHORT_NATURES)


def _years(legal: Register) -> Combinable:
    """The years of each item's regime: `limitation.regime_of` and `period_of` as an expression."""
    carriage, public = _regime_years(legal, Regime.CARRIAGE), _regime_years(legal, Regime.PUBLIC)
    consumer, ordinary = _regime_years(legal, Regime.B2C), _regime_years(legal, Regime.B2B)
    agreed = Least(
        Greatest(F("customer__limitation_years"), _parameter(legal, "fr.limitation.contract_min_years")),
        _parameter(legal, "fr.limitation.contract_max_years"),
    )
    by_kind = Case(
        When(customer__kind=Customer.Kind.CONSUMER, then=consumer),
        When(customer__kind=Customer.Kind.PUBLIC_BODY, then=public),
        When(customer__limitation_years__isnull=False, then=agreed),
        default=ordinary,
        output_field=IntegerField(),
    )
    return Case(
        When(customer__claim_nature=Customer.ClaimNature.CARRIAGE, then=carriage),
        When(
            customer__claim_nature=Customer.ClaimNature.SHIPPING, then=_regime_years(legal, Regime.SHIPPING)
        ),
        When(customer__claim_nature=Customer.ClaimNature.UNKNOWN, then=Least(by_kind, carriage)),
        default=by_kind,
        output_field=IntegerField(),
    )


def _regime_years(legal: Register, regime: Regime) -> Combinable:
    return _parameter(legal, LIMITATION_YEARS[regime])


def _parameter(legal: Register, key: str) -> Combinable:
    """The value in force on each item's due date; null where there is none."""
    whens = [
        When(
            Q(due_date__gte=value.valid_from)
            & (Q(due_date__lte=value.valid_to) if value.valid_to is not None else Q()),
            then=Value(value.integer),
        )
        for value in legal.values.get(key, ())
    ]
    return Case(*whens, default=None, output_field=IntegerField())
