"""What is proposed first, and what may be posted without a person: one case per doubt."""

from datetime import date, timedelta
from typing import Any

import pytest

from invoices.matching.naming import read_line
from invoices.matching.numbers import keys_of
from invoices.matching.proposing import propose
from invoices.matching.reasons import BLOCKS, POINTS
from invoices.matching.values import Account, Candidates, Item, Line, Payer, Proposal, Rules
from invoices.matching_words import sentence

DAY = date(2026, 3, 2)
IBAN = Payer(1, "payer_iban", "FR7630006000011234567890189", is_known=True)
NAME = Payer(1, "payer_name", "DUPONT")


def item(pk: int, cents: int, *, customer: int = 1, number: str = "", late: int = 5, **more: Any) -> Item:
    number = number or f"FA-2026-{pk:05d}"
    due = DAY - timedelta(days=late)
    values = {
        "kind": "INVOICE" if cents > 0 else "CREDIT_NOTE",
        "issue_date": due - timedelta(days=30),
        "due_date": due,
    }
    return Item(pk, customer, number, keys_of(number), cents=cents, **values | more)


def best(
    cents: int,
    text: str,
    items: list[Item],
    *,
    payers: tuple[Payer, ...] = (IBAN,),
    rules: Rules | None = None,
    same: list[Item] | None = None,
    line: dict[str, Any] | None = None,
    accounts: dict[str, Any] | None = None,
    groups: dict[int, int] | None = None,
    undone: frozenset[int] = frozenset(),
) -> Proposal:
    owners = {1} | {one.customer_id for one in items} | {payer.customer_id for payer in payers}
    held = {
        pk: Account(
            pk, f"C{pk}", f"Client {pk}", (groups or {}).get(pk, 0),
            items=sorted((one for one in items if one.customer_id == pk), key=lambda one: (one.due_date, one.pk)),
            **(accounts or {} if pk == 1 else {}),
        )
        for pk in owners
    }  # fmt: skip
    received = Line(1, DAY, cents, "EUR", remittance=text, **line or {})
    if same is None:
        same = [one for one in items if one.cents == cents]
    known = Candidates(held, list(payers), same, undone)
    return propose(received, read_line(received), known, rules or Rules())[0]


def why(proposal: Proposal) -> set[str]:
    return {str(block["code"]) for block in proposal.blocks}


A, B, C = item(101, 123_456), item(102, 45_678), item(103, 99_001)


class TestCertain:
    @pytest.mark.parametrize(
        ("cents", "text", "rule", "parts"),
        [
            (123_456, "FACT FA-2026-00101", "NAMED", [101]),
            (169_134, "FACT FA-2026-00101 ET 00102", "NAMED", [101, 102]),
            (268_135, "FACTURES 101 A 103", "NAMED", [101, 102, 103]),
            (123_456, "VIREMENT", "ONE_ITEM", [101]),
            (268_135, "VIREMENT", "BALANCE", [101, 102, 103]),
        ],
    )
    def test_named_or_known_payer_to_the_cent(
        self, cents: int, text: str, rule: str, parts: list[int]
    ) -> None:
        found = best(cents, text, [A, B, C])
        assert (found.rule, sorted(one.pk for one, _c in found.parts)) == (rule, parts)
        assert found.blocks == []
        assert sum(part for _one, part in found.parts) == cents

    def test_a_stranger_who_names_a_whole_number(self) -> None:
        assert best(123_456, "FACT FA-2026-00101", [A, B], payers=()).is_certain

    def test_a_credit_note_that_is_named(self) -> None:
        credit = item(110, -10_000, number="AV-2026-00110")
        found = best(113_456, "FA-2026-00101 MOINS AV-2026-00110", [A, B, credit])
        assert found.is_certain and found.amount == 113_456


class TestDoubts:
    def test_other_payers_iban(self) -> None:
        other = Payer(2, "payer_iban", "x", is_known=True)
        assert "block_other_payer" in why(best(123_456, "FA-2026-00101", [A], payers=(other,)))

    def test_other_members_iban(self) -> None:
        other = Payer(2, "payer_iban", "x", is_known=True)
        found = best(123_456, "FA-2026-00101", [A], payers=(other,), groups={1: 1, 2: 1})
        assert "block_other_member" in why(found)

    def test_name_of_another_customer(self) -> None:
        found = best(123_456, "FA-2026-00101", [A], payers=(Payer(2, "payer_name", "x"),))
        assert "block_other_name" in why(found)

    def test_payer_only_by_name_and_nothing_named(self) -> None:
        assert "block_payer_unsure" in why(best(123_456, "VIREMENT", [A, B], payers=(NAME,)))

    def test_two_items_of_the_amount(self) -> None:
        assert "block_several_sums" in why(best(123_456, "VIREMENT", [A, item(104, 123_456)]))

    def test_two_sums_of_the_amount(self) -> None:
        items = [item(1, 10_007), item(2, 20_011), item(3, 30_018), item(4, 55_555)]
        assert "block_several_sums" in why(best(30_018, "VIREMENT", items))

    def test_too_many_items_to_exclude_another_sum(self) -> None:
        items = [item(n, 10_000 + 137 * n, late=n) for n in range(1, 31)]
        total = sum(one.cents for one in items if one.due_date <= DAY - timedelta(days=24))
        assert why(best(total, "VIREMENT", items)) & {"block_search_given_up", "block_several_sums"}

    def test_round_amount(self) -> None:
        assert "block_round_amount" in why(best(50_000, "ACOMPTE", [item(1, 50_000), B]))

    def test_chance(self) -> None:
        items = [item(n, 10_000 * n) for n in (1, 3, 7, 20)]
        assert "block_chance" in why(best(30_000, "VIREMENT", items))

    def test_the_same_amount_was_just_received(self) -> None:
        payments = {"payments": [(DAY - timedelta(days=3), 123_456, True)]}
        assert "block_same_payment" in why(best(123_456, "VIREMENT", [A, B], accounts=payments))

    def test_the_payment_is_in_the_books_already(self) -> None:
        payments = {"payments": [(DAY, 123_456, False)]}
        assert "block_in_books" in why(best(123_456, "FA-2026-00101", [A, B], accounts=payments))

    def test_number_of_ours_that_is_not_open(self) -> None:
        found = best(123_456, "FACTURE FA-2026-00999", [A, B])
        assert "block_numbers_unknown" in why(found)

    def test_named_number_does_not_give_the_amount(self) -> None:
        found = best(45_678, "FACTURE FA-2026-00101", [A, B])
        assert not found.is_certain
        assert why(best(45_678, "FACTURE FA-2026-00101", [A, C])) >= {"block_not_exact"}

    def test_end_of_a_number_and_no_sure_payer(self) -> None:
        assert "block_weak_naming" in why(best(123_456, "FACT 00101", [A, B], payers=()))

    def test_amount_that_repeats_elsewhere_and_no_sure_payer(self) -> None:
        other = item(105, 123_456, customer=2)
        found = best(123_456, "FA-2026-00101", [A, other], payers=(), same=[A, other])
        assert "block_amount_repeats" in why(found)

    def test_number_that_fits_two_customers(self) -> None:
        one, two = item(1, 5_001, number="FA-0777"), item(2, 5_001, customer=2, number="FB-0777")
        assert why(best(5_001, "FACT 777", [one, two], payers=())) & {"block_two_owners", "block_competitor"}

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"late": 400}, "block_old"),
            ({"is_disputed": True}, "block_disputed"),
            (
                {"issue_date": DAY + timedelta(days=1), "due_date": DAY + timedelta(days=9)},
                "block_before_issue",
            ),
        ],
    )
    def test_items_never_posted_alone(self, change: dict[str, Any], code: str) -> None:
        assert why(best(123_456, "FA-2026-00101", [item(101, 123_456, **change)])) == {code}

    def test_item_of_which_a_matching_was_undone(self) -> None:
        assert why(best(123_456, "FA-2026-00101", [A], undone=frozenset({101}))) == {"block_undone"}

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ({"is_partly_applied": True}, "block_partly_applied"),
            ({"is_in_other_currency": True}, "block_other_currency"),
        ],
    )
    def test_lines_never_posted_alone(self, line: dict[str, Any], code: str) -> None:
        assert why(best(123_456, "FA-2026-00101", [A], line=line)) == {code}

    def test_insolvent_customer_and_the_switch(self) -> None:
        assert why(best(123_456, "FA-2026-00101", [A], accounts={"is_insolvent": True})) == {
            "block_insolvent"
        }
        off = best(123_456, "FA-2026-00101", [A], rules=Rules(posts_by_itself=False))
        assert off.blocks == [{"code": "block_switched_off"}]

    def test_several_customers_at_once(self) -> None:
        other = item(202, 5_555, customer=2, number="FA-2026-00202")
        found = best(129_011, "FA-2026-00101 ET FA-2026-00202", [A, B, other])
        assert found.rule == "SEVERAL_CUSTOMERS" and len(found.parts) == 2
        assert "block_several_customers" in why(found)


class TestWaysToPay:
    """Proposed first, for a person."""

    @pytest.mark.parametrize(
        ("cents", "text", "rules", "line", "reason", "difference"),
        [
            (
                120_987,
                "FA-2026-00101",
                Rules(discount_share=200, discount_days=0),
                {},
                "amount_discount",
                2_469,
            ),
            (122_206, "FA-2026-00101", Rules(), {"charges": 1_250}, "amount_charges_told", 1_250),
            (122_206, "FA-2026-00101", Rules(), {}, "amount_charges", 1_250),
            (123_450, "FA-2026-00101", Rules(), {}, "amount_small_difference", 6),
            (123_460, "FA-2026-00101", Rules(), {}, "amount_small_difference", -4),
            (45_677, "VIREMENT", Rules(), {}, "amount_small_difference", 1),
        ],
    )
    def test_differences(
        self, cents: int, text: str, rules: Rules, line: dict[str, Any], reason: str, difference: int
    ) -> None:
        items = [item(101, 123_456, late=-3), item(102, 45_678, late=-3)]
        found = best(cents, text, items, rules=rules, line=line)
        assert reason in {str(one["code"]) for one in found.reasons}
        assert found.difference == difference
        assert found.amount - found.difference == cents
        assert "block_not_exact" in why(found)

    def test_part_of_a_named_invoice(self) -> None:
        found = best(50_001, "ACOMPTE FA-2026-00101", [A, B])
        assert (found.rule, found.parts) == ("NAMED_PART", ((A, 50_001),))

    def test_credit_note_taken_off_in_silence(self) -> None:
        credit = item(110, -10_000, number="AV-2026-00110")
        found = best(113_456, "FA-2026-00101", [A, B, credit])
        assert (found.rule, {one.pk for one, _c in found.parts}) == ("NAMED_LESS_CREDITS", {101, 110})

    def test_overdue_items_together(self) -> None:
        items = [
            item(1, 10_007, late=40),
            item(2, 20_011, late=9),
            item(3, 31_313, late=-9),
            item(4, 77_777, late=-9),
        ]
        found = best(30_018, "VIREMENT", items)
        assert (found.rule, {one.pk for one, _c in found.parts}) == ("OVERDUE", {1, 2})

    def test_payer_for_another_of_the_group(self) -> None:
        other = item(202, 5_557, customer=2)
        found = best(5_557, "VIREMENT", [A, other], groups={1: 1, 2: 1})
        assert found.parts == ((other, 5_557),)
        assert "block_other_member" in why(found)

    def test_payer_known_and_nothing_fits(self) -> None:
        assert best(10, "VIREMENT", []).rule == "ON_ACCOUNT"

    def test_amount_alone(self) -> None:
        found = best(5_557, "VIREMENT", [item(202, 5_557, customer=2)], payers=())
        assert found.rule == "AMOUNT_ONLY" and found.score <= 30 and not found.is_certain


@pytest.mark.parametrize("code", [*POINTS, *BLOCKS])
def test_every_reason_has_its_sentence(code: str) -> None:
    values = {
        "numbers": ["FA1"],
        "count": 2,
        "cents": 150,
        "day": "2026-03-02",
        "sign": "x",
        "written": "1",
        "customer": "D",
    }
    words = sentence({"code": code, **values}, "EUR")
    assert words != code and words.endswith(".")
    assert sentence({"code": "never heard of"}) == "never heard of"
