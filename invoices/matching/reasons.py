"""Codes of what speaks for a proposal, against it, and against posting it without a person; and the points they give.

The sentences stand in `invoices.matching_words`. The score is the sum of the points, between 0 and 100.
"""

from typing import Final

# How the document was named: the weakest of the parts counts.
NAMED: Final = {
    "named_reference": 45,
    "named_full": 42,
    "named_digits": 38,
    "named_tail": 28,
    "named_noisy": 24,
    "named_range": 24,
}
# Who pays.
PAYER: Final = {
    "payer_iban": 28,
    "payer_mandate": 28,
    "payer_account": 20,
    "payer_name_known": 22,
    "payer_code": 20,
    "payer_siren": 22,
    "payer_name": 18,
    "payer_name_similar": 10,
    "payer_name_in_text": 8,
    "payer_of_group": 6,
}
# How the amount fits.
AMOUNT: Final = {
    "amount_exact": 40,
    "amount_one_item": 36,
    "amount_balance": 36,
    "amount_overdue": 34,
    "amount_due_together": 32,
    "amount_oldest_first": 30,
    "amount_subset": 26,
    "amount_net_of_credits": 32,
    "amount_discount": 26,
    "amount_charges": 24,
    "amount_charges_told": 34,
    "amount_small_difference": 24,
    "amount_named_and_others": 16,
    "amount_named_subset": 22,
    "amount_part_of_named": 18,
    "amount_above_named": 14,
    "amount_part_of_account": 6,
    "amount_only": 20,
    "amount_on_account": 4,
}
# What speaks against.
AGAINST: Final = {
    "against_other_payer": -30,
    "against_other_name": -12,
    "against_several_sums": -16,
    "against_numbers_unknown": -10,
    "against_settled": -16,
    "against_numbers_left_out": -18,
    "against_two_owners": -14,
    "against_exact_elsewhere": -45,
}
POINTS: Final[dict[str, int]] = {**NAMED, **PAYER, **AMOUNT, **AGAINST}

# What keeps a proposal from being posted without a person.
BLOCKS: Final = (
    "block_switched_off",
    "block_partly_applied",
    "block_other_currency",
    "block_future",
    "block_not_exact",
    "block_rule",
    "block_weak_naming",
    "block_several_customers",
    "block_other_member",
    "block_insolvent",
    "block_other_payer",
    "block_other_name",
    "block_payer_unsure",
    "block_amount_repeats",
    "block_several_sums",
    "block_search_given_up",
    "block_chance",
    "block_round_amount",
    "block_numbers_unknown",
    "block_numbers_left_out",
    "block_two_owners",
    "block_competitor",
    "block_same_payment",
    "block_in_books",
    "block_old",
    "block_disputed",
    "block_undone",
    "block_before_issue",
    "block_not_exact_reference",
)
