"""What the ratios and functions are made of, whatever form the accounts came in.

A figure that the document does not give is None, never zero: an empty cell is zero only when its total comes out
without it (`risk.liasse.closed_parts`). Amounts are in units of the statement's currency, for the whole year of the
accounts (`months` long).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from risk.liasse import closed_parts
from risk.liasse_cells import NORMAL, SIMPLIFIED


@dataclass(frozen=True)
class Figures:
    """The figures of one financial year."""

    months: int = 12
    total_assets: Decimal | None = None  # net
    fixed_assets: Decimal | None = None  # net
    stocks: Decimal | None = None  # net
    trade_receivables: Decimal | None = None  # net
    other_receivables: Decimal | None = None  # advances and other claims, net
    securities: Decimal | None = None
    cash: Decimal | None = None
    prepaid: Decimal | None = None
    current_assets: Decimal | None = None  # net, prepaid charges included
    equity: Decimal | None = None
    share_capital: Decimal | None = None
    retained_earnings: Decimal | None = None  # reserves, carried forward and the year's result
    other_own_funds: Decimal | None = None
    provisions: Decimal | None = None
    long_term_debt: Decimal | None = None  # financial debts without bank overdrafts
    overdraft: Decimal | None = None
    suppliers: Decimal | None = None
    tax_social_debts: Decimal | None = None
    total_debts: Decimal | None = None
    turnover: Decimal | None = None
    purchases: Decimal | None = None  # goods, materials, external charges
    value_added: Decimal | None = None
    personnel: Decimal | None = None
    ebe: Decimal | None = None  # excédent brut d'exploitation
    depreciation: Decimal | None = None
    operating_result: Decimal | None = None
    interest: Decimal | None = None
    pre_tax_result: Decimal | None = None
    net_result: Decimal | None = None
    cash_flow_given: Decimal | None = None
    working_capital_given: Decimal | None = None
    # Not in the accounts: given by whoever knows them.
    market_value: Decimal | None = None

    @property
    def permanent_capital(self) -> Decimal | None:
        return total(self.equity, self.other_own_funds, self.provisions, self.long_term_debt)

    @property
    def current_liabilities(self) -> Decimal | None:
        """All debts but the stable financial ones."""
        return less(self.total_debts, self.long_term_debt)

    @property
    def working_capital(self) -> Decimal | None:
        """Current assets − current liabilities; the published working capital when the document only gives that."""
        made = less(self.current_assets, self.current_liabilities)
        return self.working_capital_given if made is None else made

    @property
    def liquid_assets(self) -> Decimal | None:
        """Receivables, securities, cash and prepaid charges: current assets without stocks."""
        return less(self.current_assets, self.stocks)

    @property
    def quick_assets(self) -> Decimal | None:
        """Receivables, securities and cash, without prepaid charges."""
        return less(self.liquid_assets, self.prepaid)

    @property
    def operating_costs(self) -> Decimal | None:
        """What a year of business costs in cash: turnover − pre-tax result − depreciation."""
        return less(self.turnover, self.pre_tax_result, self.depreciation)

    @property
    def liquidity_gap(self) -> Decimal | None:
        """Quick assets − current liabilities."""
        return less(self.quick_assets, self.current_liabilities)

    @property
    def financial_debt(self) -> Decimal | None:
        return total(self.long_term_debt, self.overdraft)

    @property
    def total_liabilities(self) -> Decimal | None:
        """All that is not equity, provisions included."""
        return less(self.total_assets, self.equity)

    @property
    def cash_flow(self) -> Decimal | None:
        """Net result + depreciation (self-financing in its short form), or as published."""
        made = total(self.net_result, self.depreciation)
        return self.cash_flow_given if made is None else made


def total(*values: Decimal | None) -> Decimal | None:
    """The sum, or None when a part is missing."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def less(value: Decimal | None, *others: Decimal | None) -> Decimal | None:
    """The difference, or None when a part is missing."""
    taken = total(*others)
    return None if value is None or taken is None else value - taken


def figures_of(form: str, values: Mapping[str, Decimal], *, unit: int = 1, months: int = 12) -> Figures:
    """The figures of a document's cells. What it gives by name (as public services do) fills what cells do not."""
    cells = _Cells(form, values, unit)
    read: dict[str, Decimal | None] = {}
    if form == NORMAL:
        read = _normal(cells)
    elif form == SIMPLIFIED:
        read = _simplified(cells)
    for name in _NAMED:
        if read.get(name) is None and name in values:
            read[name] = values[name]
    if read.get("long_term_debt") is None:
        read["long_term_debt"] = values.get("financial_debts")
    return Figures(
        months=months,
        cash_flow_given=values.get("cash_flow"),
        working_capital_given=values.get("working_capital"),
        **read,
    )


_DERIVED = {"months", "cash_flow_given", "working_capital_given", "long_term_debt", "market_value"}
_NAMED = tuple(field.name for field in fields(Figures) if field.name not in _DERIVED)


class _Cells:
    def __init__(self, form: str, values: Mapping[str, Decimal], unit: int) -> None:
        self._values = values
        self._zeros = closed_parts(form, values, unit)

    def __call__(self, code: str) -> Decimal | None:
        found = self._values.get(code)
        return Decimal(0) if found is None and code in self._zeros else found

    def sum(self, *codes: str) -> Decimal | None:
        return total(*(self(code) for code in codes))

    def net(self, gross: str, depreciation: str) -> Decimal | None:
        return less(self(gross), self(depreciation))

    def nets(self, *pairs: tuple[str, str]) -> Decimal | None:
        return total(*(self.net(*pair) for pair in pairs))


def _first(*values: Decimal | None) -> Decimal | None:
    return next((value for value in values if value is not None), None)


def _normal(cells: _Cells) -> dict[str, Decimal | None]:
    overdraft = cells("EH")
    if overdraft is None and cells("DU") is not None:
        overdraft = Decimal(0)
    purchases = cells.sum("FS", "FT", "FU", "FV", "FW")
    value_added = less(cells.sum("FL", "FM", "FN"), purchases)
    personnel = cells.sum("FY", "FZ")
    interest = cells("GR")
    return {
        "total_assets": _first(cells("EE"), cells.net("CO", "1A")),
        "fixed_assets": cells.net("BJ", "BK"),
        "stocks": cells.nets(("BL", "BM"), ("BN", "BO"), ("BP", "BQ"), ("BR", "BS"), ("BT", "BU")),
        "trade_receivables": cells.net("BX", "BY"),
        "other_receivables": cells.nets(("BV", "BW"), ("BZ", "CA"), ("CB", "CC")),
        "securities": cells.net("CD", "CE"),
        "cash": cells.net("CF", "CG"),
        "prepaid": cells.net("CH", "CI"),
        "current_assets": cells.net("CJ", "CK"),
        "equity": cells("DL"),
        "share_capital": cells("DA"),
        "retained_earnings": cells.sum("DD", "DE", "DF", "DG", "DH", "DI"),
        "other_own_funds": _first(cells("DO"), cells.sum("DM", "DN")),
        "provisions": _first(cells("DR"), cells.sum("DP", "DQ")),
        "long_term_debt": less(cells.sum("DS", "DT", "DU", "DV"), overdraft),
        "overdraft": overdraft,
        "suppliers": cells("DX"),
        "tax_social_debts": cells("DY"),
        "total_debts": cells("EC"),
        "turnover": cells("FL"),
        "purchases": purchases,
        "value_added": value_added,
        "personnel": personnel,
        "ebe": less(total(value_added, cells("FO")), cells("FX"), personnel),
        "depreciation": cells.sum("GA", "GB", "GC", "GD"),
        "operating_result": cells("GG"),
        "interest": _first(interest, Decimal(0) if cells("GU") == 0 else None),
        "pre_tax_result": cells.sum("HN", "HJ", "HK"),
        "net_result": _first(cells("HN"), cells("DI")),
    }


def _simplified(cells: _Cells) -> dict[str, Decimal | None]:
    purchases = cells.sum("234", "236", "238", "240", "242")
    turnover = cells.sum("210", "214", "218")
    value_added = less(total(turnover, cells.sum("222", "224")), purchases)
    personnel = cells.sum("250", "252")
    return {
        "total_assets": _first(cells("180"), cells.net("110", "112")),
        "fixed_assets": cells.net("044", "048"),
        "stocks": cells.nets(("050", "052"), ("060", "062")),
        "trade_receivables": cells.net("068", "070"),
        "other_receivables": cells.nets(("064", "066"), ("072", "074")),
        "securities": cells.net("080", "082"),
        "cash": cells.net("084", "086"),
        "prepaid": cells.net("092", "094"),
        "current_assets": cells.net("096", "098"),
        "equity": cells("142"),
        "share_capital": cells("120"),
        "retained_earnings": cells.sum("126", "130", "132", "134", "136"),
        "other_own_funds": Decimal(0) if cells("176") is not None else None,
        "provisions": cells("154"),
        "long_term_debt": _first(cells("195"), cells("156")),
        # Not told apart on this form: it stands in the loans.
        "overdraft": None,
        "suppliers": cells("166"),
        "total_debts": cells("176"),
        "turnover": turnover,
        "purchases": purchases,
        "value_added": value_added,
        "personnel": personnel,
        "ebe": less(total(value_added, cells("226")), cells("244"), personnel),
        "depreciation": cells.sum("254", "256"),
        "operating_result": cells("270"),
        "interest": cells("294"),
        "pre_tax_result": cells.sum("310", "306"),
        "net_result": _first(cells("310"), cells("136")),
    }
