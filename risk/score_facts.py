"""All that is known of customers as of a day, read set by set: what the score card is applied to."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.timezone import make_aware

from risk.accounting_figures import figures_of
from risk.behaviour import behaviours
from risk.financial_ratios import scored_accounts
from risk.models import WatchFile
from risk.scoring import AccountsFacts, Facts, LegalFacts, RatingFacts
from risk.sectors import section_of

_ADVERSE = ("OPENING", "CONVERSION", "EXTENSION", "PLAN_FAILURE")
_ENDS = ("STRIKE_OFF", "CEASED")
_RETURNS = ("REVIVED", "REGISTRATION")

_CUSTOMERS = """
SELECT customer.id, customer.siren, customer.naf_code, notice.sent_on
FROM customers_customer customer
LEFT JOIN risk_unpaidformalnotice notice ON notice.customer_id = customer.id AND notice.sent_on <= %(as_of)s
WHERE customer.id = ANY(%(ids)s)
"""
# The latest year of each company, individual accounts; entered by the end of the day.
_STATEMENTS = """
SELECT DISTINCT ON (siren, CASE WHEN siren = '' THEN customer_id END)
       siren, customer_id, form, period_end, months, unit, source, values::text
FROM risk_financialstatement
WHERE is_current AND basis = 'INDIVIDUAL' AND period_end <= %(as_of)s AND entered_at < %(night)s
  AND (siren = ANY(%(sirens)s) OR siren = '' AND customer_id = ANY(%(ids)s))
ORDER BY siren, CASE WHEN siren = '' THEN customer_id END, period_end DESC, id DESC
"""
_RATINGS = """
SELECT DISTINCT ON (siren, CASE WHEN siren = '' THEN customer_id END, scale)
       siren, customer_id, scale, value, rated_on, position, valid_until, is_insolvent
FROM risk_externalrating
WHERE withdrawn_on IS NULL AND rated_on <= %(as_of)s AND entered_at < %(night)s
  AND (siren = ANY(%(sirens)s) OR siren = '' AND customer_id = ANY(%(ids)s))
ORDER BY siren, CASE WHEN siren = '' THEN customer_id END, scale, rated_on DESC, id DESC
"""
_EVENTS = """
SELECT siren, kind, coalesce(judgment_date, publication_date)
FROM risk_legalevent
WHERE siren = ANY(%(sirens)s) AND kind = ANY(%(kinds)s) AND publication_date <= %(as_of)s
  AND notice_type <> 'CANCELLATION' AND (annulled_on IS NULL OR annulled_on > %(as_of)s)
"""


@dataclass(frozen=True)
class CustomerFacts:
    """The facts of one customer."""

    customer_id: int
    facts: Facts


def is_watched() -> bool:
    """Whether announcements are taken in at all: without them, the absence of events says nothing."""
    return WatchFile.objects.filter(subject=WatchFile.Subject.BODACC).exists()


def facts_of(customer_ids: Sequence[int], as_of: date) -> list[CustomerFacts]:
    """The facts of these customers as of a day, in a handful of queries; unknown ids are left out.

    What a company shows to the world (accounts, ratings, announcements) is that of its SIREN, for each of its accounts.
    """
    reader = _Reader(list(customer_ids), as_of)
    return [
        CustomerFacts(
            found.customer_id,
            Facts(
                found.behaviour,
                reader.accounts(found.customer_id),
                reader.ratings(found.customer_id),
                reader.legal(found.customer_id),
                reader.sections[found.customer_id],
                reader.notices[found.customer_id],
            ),
        )
        for found in behaviours(customer_ids, as_of)
    ]


class _Reader:
    """What the world says of some customers: read at once, asked for one by one."""

    def __init__(self, ids: list[int], as_of: date) -> None:
        night = make_aware(datetime.combine(as_of + timedelta(days=1), time.min))
        self._params: dict[str, Any] = {"ids": ids, "as_of": as_of, "night": night}
        self._sirens: dict[int, str] = {}
        self.sections: dict[int, str] = {}
        self.notices: dict[int, date | None] = {}
        with connection.cursor() as cursor:
            cursor.execute(_CUSTOMERS, self._params)
            for pk, siren, naf_code, sent_on in cursor.fetchall():
                self._sirens[pk] = siren
                self.sections[pk] = section_of(naf_code)
                self.notices[pk] = sent_on
            self._params["sirens"] = sorted({siren for siren in self._sirens.values() if siren})
            cursor.execute(_STATEMENTS, self._params)
            self._statements = {_key(row[0], row[1]): _accounts(row) for row in cursor.fetchall()}
            cursor.execute(_RATINGS, self._params)
            self._ratings: dict[tuple[str, int], list[RatingFacts]] = defaultdict(list)
            for siren, customer_id, *rest in cursor.fetchall():
                self._ratings[_key(siren, customer_id)].append(RatingFacts(*rest))
            self._is_watched = is_watched()
            self._events: dict[str, list[tuple[str, date]]] = defaultdict(list)
            if self._is_watched:
                cursor.execute(_EVENTS, self._params | {"kinds": [*_ADVERSE, *_ENDS, *_RETURNS]})
                for siren, kind, day in cursor.fetchall():
                    self._events[siren].append((kind, day))

    def accounts(self, pk: int) -> AccountsFacts | None:
        return self._statements.get(_key(self._sirens[pk], pk))

    def ratings(self, pk: int) -> tuple[RatingFacts, ...]:
        return tuple(self._ratings.get(_key(self._sirens[pk], pk), ()))

    def legal(self, pk: int) -> LegalFacts | None:
        siren = self._sirens[pk]
        if not self._is_watched or not siren:
            return None
        events = self._events.get(siren, ())
        ended = max((day for kind, day in events if kind in _ENDS), default=None)
        returned = max((day for kind, day in events if kind in _RETURNS), default=None)
        if ended is not None and returned is not None and returned >= ended:
            ended = None
        # One judgment is often announced twice.
        adverse = sorted({day for kind, day in events if kind in _ADVERSE})
        return LegalFacts(tuple(adverse), ended)


def _key(siren: str, customer_id: int) -> tuple[str, int]:
    return (siren, 0) if siren else ("", customer_id)


def _accounts(row: tuple[Any, ...]) -> AccountsFacts:
    _siren, _customer, form, period_end, months, unit, source, values = row
    cells = {code: Decimal(text) for code, text in json.loads(values).items()}
    found = scored_accounts(figures_of(form, cells, unit=unit, months=months))
    return AccountsFacts(
        period_end,
        source,
        found.values,
        found.gaps,
        found.has_negative_equity,
        found.is_below_half_capital,
    )
