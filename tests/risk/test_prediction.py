"""Predictions on generated ledgers: nothing of the future is used, files are refused when touched, few data suffice."""

from pathlib import Path

import numpy as np
import pytest

from risk.prediction import backtest, payment, persistence
from risk.prediction.features import features
from risk.prediction.history import History
from risk.prediction.ledger import OPEN, Ledger, ledger
from risk.prediction.measures import auc
from risk.prediction.rules import by_rules, habits_of
from risk.prediction.tables import UnreadableTable, read_invoices

DAY = 737_500
SMALL = payment.Settings(trees=8, rounds=10)


def generated(size: int = 900, seed: int = 3) -> Ledger:
    draw = np.random.default_rng(seed)
    customer = draw.integers(0, 25, size)
    due = DAY + draw.integers(0, 400, size)
    delay = (customer % 5) * 4 - 6 + draw.integers(-2, 3, size)
    return ledger(
        customer=customer, issued=due - 30, due=due, settled=due + delay, amount=draw.random(size) * 900 + 1
    )


def altered_after(books: Ledger, day: int) -> Ledger:
    """The same past; everything settled from `day` on shuffled, delayed and multiplied, and new items after it."""
    draw = np.random.default_rng(8)
    later = books.known >= day
    settled = books.settled.copy()
    settled[later] = day + draw.integers(0, 300, later.sum())
    return Ledger(
        books.customer, books.segment, books.issued, books.due, settled, settled.copy(), books.amount
    )


def test_shuffling_the_future_changes_no_feature_and_no_prediction() -> None:
    books, day = generated(), DAY + 250
    other = altered_after(books, day)
    asked = books.take(np.flatnonzero((books.known >= day) & (books.issued < day)))
    moment = np.full(len(asked), day)
    here = features(History(books), backtest.blind(asked), moment)
    there = features(History(other), backtest.blind(asked), moment)
    assert len(asked) > 20
    np.testing.assert_array_equal(here.values, there.values)
    said = payment.estimate(payment.learn(History(books), day, SMALL), here, backtest.blind(asked), moment)
    again = payment.estimate(payment.learn(History(other), day, SMALL), there, backtest.blind(asked), moment)
    for name in ("probability_late", "expected", "low", "high"):
        np.testing.assert_array_equal(getattr(said, name), getattr(again, name))


def test_the_order_of_rows_tells_nothing() -> None:
    books = generated()
    mixed = books.take(np.random.default_rng(1).permutation(len(books)))
    asked, moment = books.take(np.arange(50)), np.full(50, DAY + 250)
    np.testing.assert_array_equal(
        features(History(books), asked, moment).values, features(History(mixed), asked, moment).values
    )


def test_a_payment_counts_from_the_day_it_was_known() -> None:
    books = ledger(
        customer=[1], issued=[DAY], due=[DAY + 30], settled=[DAY + 30], known=[DAY + 40], amount=[10]
    )
    history = History(books)
    for day, count in ((DAY + 40, 0), (DAY + 41, 1)):
        start, stop = history.before(np.array([1]), np.array([day]))
        assert int((stop - start)[0]) == count


def test_an_overdue_item_is_never_expected_in_the_past() -> None:
    books, day = generated(), DAY + 350
    model = payment.learn(History(books), day, SMALL)
    asked = ledger(
        customer=[0, 1], issued=[day - 60] * 2, due=[day - 20] * 2, settled=[OPEN] * 2, amount=[5, 5]
    )
    moment = np.full(2, day)
    said = payment.estimate(model, features(History(books), asked, moment), asked, moment)
    simple, _level, _count = by_rules(History(books), habits_of(books, day), asked, moment)
    for found in (said, simple):
        assert (found.low >= day).all() and (found.low <= found.expected).all()
        assert (found.expected <= found.high).all() and (found.probability_late == 1).all()


def test_without_any_history_the_house_answers() -> None:
    asked = ledger(customer=[9], issued=[DAY], due=[DAY + 30], settled=[OPEN], amount=[5])
    books = ledger(customer=[], issued=[], due=[], settled=[], amount=[])
    said, level, count = by_rules(History(books), habits_of(books, DAY), asked, np.array([DAY]))
    assert int(level[0]) == 3 and int(count[0]) == 0 and int(said.expected[0]) == DAY + 30


def test_a_touched_file_is_refused() -> None:
    model = payment.learn(History(generated()), DAY + 350, SMALL)
    content, sha256 = persistence.dumped("payment", model)
    assert persistence.loaded("payment", content, sha256).names == model.names
    with pytest.raises(persistence.RefusedModel):
        persistence.loaded("payment", content[:-1] + b"x", sha256)
    with pytest.raises(persistence.RefusedModel):
        persistence.loaded("failure", content, sha256)


def test_too_few_items_are_not_learnt_from() -> None:
    with pytest.raises(ValueError, match="too few"):
        payment.learn(History(generated(50)), DAY + 500, SMALL)


def test_auc_counts_ties_for_half() -> None:
    assert auc(np.array([True, False]), np.array([0.5, 0.5])) == 0.5
    assert auc(np.array([True, False, True]), np.array([0.9, 0.1, 0.2])) == 1.0


def test_duplicates_count_once_and_bad_dates_are_told(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        "cust_number,due_date,clear_date,amount\nA,2024-01-31,2024-02-02,10\nA,2024-01-31,2024-02-02,10\n"
    )
    table = read_invoices(file, 15)
    assert (table.row_count, table.duplicate_count, len(table.ledger)) == (2, 1, 1)
    file.write_text("customer,due_date,clear_date,amount\nA,31/01/24,2024-02-02,10\n")
    with pytest.raises(UnreadableTable, match="due_date"):
        read_invoices(file, 15)
