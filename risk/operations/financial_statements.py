"""Taking in the accounts of companies: from a form, a file or a partner. A later document replaces, nothing is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.models import StoredFile
from core.money import MAX_AMOUNT, format_amount, round_money
from core.operation import operation
from core.rights import Actor
from customers.models import Customer
from risk.liasse import SumFault, completed, faults
from risk.liasse_cells import sections_of
from risk.models import FinancialStatement

FIRST_YEAR = 1990
MAX_MONTHS = 24
# Of these, one at least: without a balance sheet or a turnover there is nothing to read.
_NEEDED = {
    FinancialStatement.Form.NORMAL: ("EE", "CO", "DL", "FL"),
    FinancialStatement.Form.SIMPLIFIED: ("180", "110", "142", "232"),
    FinancialStatement.Form.KEY_FIGURES: ("total_assets", "equity", "turnover"),
}

# What a person or a partner tells is his to correct; what a service publishes is kept, with its faults told.
_CHECKED = (
    FinancialStatement.Source.FORM,
    FinancialStatement.Source.CSV,
    FinancialStatement.Source.API,
)


class StatementRefused(BusinessError):
    """The accounts cannot be taken as they are; `faults` gives the message of each cell at fault."""

    code = "statement_refused"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        faults: Mapping[str, str] | None = None,
        is_poorer: bool = False,
    ) -> None:
        super().__init__(message, field=field)
        self.faults = dict(faults or {})
        self.is_poorer = is_poorer


@dataclass(frozen=True)
class StatementEntry:
    """The accounts of one year, in units of `unit` (1 or 1,000): what a form or a file says."""

    form: str
    period_end: date
    values: Mapping[str, Decimal]
    previous: Mapping[str, Decimal] = field(default_factory=dict)
    months: int = 12
    currency: str = "EUR"
    unit: int = 1
    basis: str = FinancialStatement.Basis.INDIVIDUAL
    publicity: str = FinancialStatement.Publicity.UNKNOWN
    source: str = FinancialStatement.Source.FORM
    note: str = ""
    warnings: Sequence[Mapping[str, str]] = ()
    # An empty cell is zero, and totals left out are made. A form is always so.
    is_complete: bool = False


@operation("risk.enter_accounts")
def enter_statement(
    *,
    actor: Actor,
    customer: Customer,
    entry: StatementEntry,
    today: date,
    now: datetime,
    file: StoredFile | None = None,
) -> FinancialStatement:
    """Take in the accounts of a year; those of the same year and nature held before are replaced, not lost.

    Totals left out of a full form are made from their parts. Raises StatementRefused, naming the cells: unknown
    code, a sum that does not come out, a year that has not ended, nothing to read, a customer outside the scope.
    """
    held = (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=customer.pk)
        .first()
    )
    if held is None:
        raise StatementRefused(_("Ce client n’existe pas dans votre périmètre."))
    if held.kind == Customer.Kind.CONSUMER:
        raise StatementRefused(_("Un particulier ne tient pas de comptes annuels."))
    _check_period(entry, today)
    values, previous = _checked(entry)
    before = (
        FinancialStatement.objects.select_for_update()
        .filter(
            is_current=True,
            period_end=entry.period_end,
            basis=entry.basis,
            **({"siren": held.siren} if held.siren else {"siren": "", "customer": held}),
        )
        .first()
    )
    if before is not None and _is_same(before, entry, values, previous):
        return before
    if before is not None and _is_poorer(entry, before):
        raise StatementRefused(
            _("Des comptes plus complets du même exercice sont déjà enregistrés : ils restent en vigueur."),
            is_poorer=True,
        )
    if before is not None:
        before.is_current = False
        before.save(update_fields=["is_current"])
    statement = FinancialStatement.objects.create(
        customer=held,
        siren=held.siren,
        form=entry.form,
        basis=entry.basis,
        period_end=entry.period_end,
        months=entry.months,
        currency=entry.currency,
        unit=entry.unit,
        values=_stored(values),
        previous=_stored(previous),
        warnings=[dict(warning) for warning in entry.warnings],
        publicity=entry.publicity,
        source=entry.source,
        note=" ".join(entry.note.split())[:200],
        file=file,
        entered_by_id=actor.pk,
        entered_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.statement.entered",
        refs=[statement, held] if before is None else [statement, held, before],
        now=now,
        name=entry.period_end.isoformat(),
        source=entry.source,
        form=entry.form,
        replaces=None if before is None else before.pk,
    )
    return statement


@operation("risk.enter_accounts")
def withdraw_statement(*, actor: Actor, statement_id: int, reason: str, now: datetime) -> FinancialStatement:
    """Take accounts entered by mistake out of the score; they stay in the history. Raises StatementRefused."""
    statement = (
        FinancialStatement.objects.select_for_update(of=("self",))
        .select_related("customer")
        .filter(pk=statement_id, customer__in=Customer.objects.visible_to(actor).order_by())
        .first()
    )
    if statement is None or not statement.is_current:
        raise StatementRefused(_("Ces comptes ne sont plus en vigueur : rechargez la page."))
    reason = " ".join(reason.split())
    if not reason:
        raise StatementRefused(_("Indiquez pourquoi ces comptes sont retirés."), field="reason")
    statement.is_current = False
    statement.save(update_fields=["is_current"])
    audit.record(
        actor=actor,
        verb="risk.statement.withdrawn",
        refs=[statement, statement.customer],
        now=now,
        name=statement.period_end.isoformat(),
        reason=reason[:200],
    )
    return statement


def _check_period(entry: StatementEntry, today: date) -> None:
    if entry.period_end > today:
        raise StatementRefused(
            _("Cet exercice n’est pas clos : indiquez une clôture passée."), field="period_end"
        )
    if entry.period_end.year < FIRST_YEAR:
        raise StatementRefused(
            _("Vérifiez l’année de clôture : %(year)d est trop ancienne.") % {"year": entry.period_end.year},
            field="period_end",
        )
    if not 1 <= entry.months <= MAX_MONTHS:
        raise StatementRefused(
            _("Un exercice dure de 1 à %(months)d mois.") % {"months": MAX_MONTHS}, field="months"
        )
    if len(entry.currency) != 3 or not entry.currency.isalpha() or not entry.currency.isupper():
        raise StatementRefused(_("Indiquez la devise par son code à trois lettres (EUR)."), field="currency")
    if entry.unit not in (1, 1000, 1_000_000):
        raise StatementRefused(_("L’unité est l’unité, le millier ou le million."), field="unit")


def _checked(entry: StatementEntry) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Both years in units of the currency, totals made where a form leaves them out."""
    messages: dict[str, str] = {}
    both = []
    allowed = _allowed(entry)
    for prefix, given in (("", entry.values), ("n1-", entry.previous)):
        year: dict[str, Decimal] = {}
        for code, amount in given.items():
            if code not in allowed:
                messages[prefix + code] = _("« %(code)s » n’est pas une case de ce modèle.") % {"code": code}
            elif not amount.is_finite() or abs(amount * entry.unit) > MAX_AMOUNT:
                messages[prefix + code] = _("Ce montant dépasse ce qui peut être enregistré.")
            else:
                year[code] = round_money(amount * entry.unit)
        is_complete = entry.is_complete or entry.source == FinancialStatement.Source.FORM
        if is_complete:
            year = completed(entry.form, year)
        if entry.source in _CHECKED:
            for fault in faults(entry.form, year, entry.unit, is_complete=is_complete):
                messages.setdefault(prefix + fault.total, fault_words(fault, entry))
        both.append(year)
    if not messages and not any(code in both[0] for code in _NEEDED[FinancialStatement.Form(entry.form)]):
        raise StatementRefused(
            _("Saisissez au moins le total du bilan, les capitaux propres ou le chiffre d’affaires.")
        )
    if messages:
        raise StatementRefused(
            _("Les totaux ne tombent pas juste : corrigez les cases signalées."), faults=messages
        )
    return both[0], both[1]


def fault_words(fault: SumFault, entry: StatementEntry) -> str:
    """« EE = DL + DO + DR + EC + ED : 1 800,00 saisi, 1 790,00 calculé »."""
    return _("%(code)s = %(formula)s : %(told)s saisi, %(found)s calculé, écart de %(gap)s.") % {
        "code": fault.total,
        "formula": fault.formula,
        "told": format_amount(fault.told / entry.unit),
        "found": format_amount(fault.found / entry.unit),
        "gap": format_amount(abs(fault.told - fault.found) / entry.unit),
    }


def _allowed(entry: StatementEntry) -> set[str]:
    cells = {cell.code for section in sections_of(entry.form) for cell in section.cells}
    if entry.source in _CHECKED:
        return cells
    # Services add totals of their own to the cells.
    return cells | {cell.code for section in sections_of("KEY_FIGURES") for cell in section.cells}


def _is_same(
    before: FinancialStatement,
    entry: StatementEntry,
    values: Mapping[str, Decimal],
    previous: Mapping[str, Decimal],
) -> bool:
    return (
        before.values == _stored(values)
        and before.previous == _stored(previous)
        and (before.form, before.months, before.currency, before.publicity, before.source)
        == (entry.form, entry.months, entry.currency, entry.publicity, entry.source)
    )


def _is_poorer(entry: StatementEntry, before: FinancialStatement) -> bool:
    """A turnover alone does not replace a whole tax return; a person may still do so."""
    key_figures = FinancialStatement.Form.KEY_FIGURES
    return (
        entry.source != FinancialStatement.Source.FORM
        and entry.form == key_figures
        and before.form != key_figures
    )


def _stored(values: Mapping[str, Decimal]) -> dict[str, str]:
    return {code: str(amount) for code, amount in sorted(values.items())}
