"""Staging the portfolio: customers straight into their tables, the books into stages that `books` opens day by day."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from django.db import connection

from config.demo.books import (
    ALLOCATION_COLUMNS,
    DISPUTE_COLUMNS,
    ITEM_COLUMNS,
    PROMISE_COLUMNS,
    STATE_COLUMNS,
    create_stages,
    number_items,
    reserve_ids,
)
from config.demo.copying import Copier, copying
from config.demo.creditors import People
from config.demo.customers import CustomerRow, make_customer
from config.demo.diary import Diary
from config.demo.ledger import Account, simulate
from config.demo.profiles import Profile
from customers.models import LegalEntity, PaymentTerms

CUSTOMER_COLUMNS = (
    "id", "legal_entity_id", "account_code", "name", "kind", "status", "hold_reason", "siren", "siret", "vat_number",
    "foreign_id", "country", "address_lines", "language", "currency", "parent_id", "terms_id", "portfolio_owner_id",
    "segment", "naf_code", "customer_since", "pinned_note", "updated_at",
)  # fmt: skip
CONTACT_COLUMNS = ("customer_id", "name", "role", "email", "phone", "gets_dunning")
_DISPUTE_NOTES = {
    "PU_ERR": "Remise convenue absente de la facture.",
    "QTE_ERR": "Bon de livraison signé pour une quantité moindre.",
    "QUALITE_ERR": "Marchandise reprise pour contrôle.",
    "LIVR_INCOMP": "Prestation non terminée d’après le client.",
    "CMD_ERR": "Numéro de commande à reporter sur la facture.",
    "DOUBLON": "Le client pense avoir déjà reçu cette facture.",
    "ADR_ERR": "Adresse de facturation à corriger.",
    "AUTRE": "Le client doit nous rappeler.",
}


@dataclass(frozen=True)
class Group:
    """What every row of the portfolio points to."""

    entities: list[LegalEntity]
    terms: dict[str, PaymentTerms]
    people: People
    diary: Diary
    seed: int
    now: datetime


class _Stages:
    """The stages of the books being filled."""

    def __init__(self, cursor: Any) -> None:
        self.items = Copier(cursor, "demo_item", ITEM_COLUMNS)
        self.allocations = Copier(cursor, "demo_allocation", ALLOCATION_COLUMNS)
        self.disputes = Copier(cursor, "demo_dispute", DISPUTE_COLUMNS)
        self.promises = Copier(cursor, "demo_promise", PROMISE_COLUMNS)

    def flush(self) -> None:
        for copier in (self.items, self.allocations, self.disputes, self.promises):
            copier.flush()


def stage_portfolio(profiles: list[Profile], group: Group, progress: Callable[[int, int], None]) -> None:
    """Write customers and contacts, and stage their books; nothing is posted yet."""
    with connection.cursor() as cursor:
        create_stages(cursor)
        base = reserve_ids(cursor, "customers_customer", len(profiles))
        rates, contacts, states = [], [], []
        with copying(cursor, "customers_customer", CUSTOMER_COLUMNS) as copier:
            for row in _customers(profiles, group):
                customer_id = base + row.profile.index
                _copy_customer(copier, row, customer_id, base, group)
                contacts += [
                    (customer_id, c.name, c.role, c.email, c.phone, "t" if c.gets_dunning else "f")
                    for c in row.contacts
                ]
                if row.state_since:
                    states.append(
                        (customer_id, row.state_since, row.profile.status, row.hold_reason, row.hold_until,
                         row.insolvency_date)
                    )  # fmt: skip
                rates.append(row.vat_rate)
        # Only now: a contact's customer must be there before it.
        with copying(cursor, "customers_contact", CONTACT_COLUMNS) as copier:
            for contact in contacts:
                copier.add(*contact)
        with copying(cursor, "demo_state", STATE_COLUMNS) as copier:
            for state in states:
                copier.add(*state)
        stages = _Stages(cursor)
        for profile, rate in zip(profiles, rates, strict=True):
            account = simulate(profile, rate, group.diary, Random(f"{group.seed}:account:{profile.index}"))
            _stage_account(stages, account, profile, base + profile.index, group)
            if profile.index % 2_000 == 1_999:
                progress(profile.index + 1, len(profiles))
        stages.flush()
        number_items(cursor)
        cursor.execute("ANALYZE customers_customer; ANALYZE customers_contact")


def _customers(profiles: list[Profile], group: Group) -> Iterator[CustomerRow]:
    roots: dict[int, str] = {}
    mothers = {profile.parent for profile in profiles}
    for profile in profiles:
        mother_root = roots[profile.parent] if profile.parent is not None else ""
        rng = Random(f"{group.seed}:customer:{profile.index}")
        row = make_customer(profile, mother_root, group.diary, group.seed, rng)
        if profile.index in mothers:
            roots[profile.index] = row.root
        yield row


def _copy_customer(copier: Copier, row: CustomerRow, customer_id: int, base: int, group: Group) -> None:
    profile = row.profile
    copier.add(
        customer_id, group.entities[profile.entity].pk, row.account_code, row.name, profile.kind, "ACTIVE", "",
        row.siren, row.siret, row.vat_number, row.foreign_id, profile.country, row.address_lines, row.language,
        profile.currency, None if profile.parent is None else base + profile.parent, group.terms[profile.terms].pk,
        _owner(profile, group), profile.segment, row.naf_code, row.customer_since, row.pinned_note,
        group.now.isoformat(),
    )  # fmt: skip


def _owner(profile: Profile, group: Group) -> int | None:
    """Whose portfolio: the entity's credit manager, the main account, or nobody yet."""
    draw = Random(f"{group.seed}:owner:{profile.index}").random()
    owners = group.people.owners
    if draw < 0.58:
        return owners[1 + profile.entity].pk
    return owners[0].pk if draw < 0.93 else None


def _stage_account(
    stages: _Stages, account: Account, profile: Profile, customer_id: int, group: Group
) -> None:
    """Write one account into the stages; positions become numbers from the first free one on."""
    diary, iso = group.diary, group.diary.iso
    entity_id, currency = group.entities[profile.entity].pk, profile.currency
    first, recent = stages.items.count, diary.today - 90
    for position, item in enumerate(account.items):
        factored = "t" if profile.is_factored and item.series == "FA" and item.issue >= recent else "f"
        vat = "\\N" if item.vat is None else _money(item.vat)
        stages.items.add_line(
            f"{first + position}\t{entity_id}\t{customer_id}\t{item.series}\t{iso[item.issue]}\t{iso[item.due]}\t"
            f"{currency}\t{_money(item.total)}\t{vat}\t{item.reference}\t{factored}"
        )
    for part in account.allocations:
        undone = "\\N" if part.reversed_day is None else iso[part.reversed_day]
        stages.allocations.add_line(
            f"{first + part.debit}\t{first + part.credit}\t{_money(part.amount)}\t{iso[part.day]}\t{undone}\t{part.reason}"
        )
    owner = _owner(profile, group) or group.people.main.pk
    for dispute in account.disputes:
        resolved = None if dispute.resolved is None else iso[dispute.resolved]
        stages.disputes.add(
            first + dispute.item, customer_id, _money(dispute.amount), dispute.reason,
            _DISPUTE_NOTES[dispute.reason], iso[dispute.opened], resolved, owner,
        )  # fmt: skip
    for promise in account.promises:
        promised = iso[min(promise.promised, len(iso) - 1)]
        stages.promises.add(
            first + promise.item, customer_id, _money(promise.amount), promised, iso[promise.made], owner
        )


def _money(cents: int) -> str:
    """Cents as a decimal number, by integers only."""
    whole, part = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{part:02d}"
