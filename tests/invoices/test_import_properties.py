"""Random sequences of batches, allocations and ways back: the books hold after every step, on every day."""

import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BusinessError
from core.models import Role, User
from core.rights import SYSTEM
from customers.models import EntityScope, LegalEntity
from invoices.later_moves import LATER_MOVES
from invoices.models import Allocation, ImportBatch, ImportGuard, OpenItem
from invoices.operations.allocations import allocate, reverse_allocation
from invoices.operations.import_work import preview_staged
from invoices.operations.imports import (
    NothingToCommit,
    RollbackRefused,
    commit_batch,
    confirm_suspicion,
    receive_batch,
    request_rollback,
    roll_back_batch,
    write_batch,
)
from invoices.readers.staged import StagedRow, copy_line
from invoices.reconciliation import findings
from invoices.staging.table import Staging
from tests.invoices.batches import NOW, entity_with_customers
from tests.invoices.files import TODAY

pytestmark = pytest.mark.django_db
FIRST = TODAY - timedelta(days=20)

cents = st.integers(min_value=1, max_value=20_000).map(lambda amount: Decimal(amount) / 100)
days = st.integers(min_value=0, max_value=20).map(lambda late: TODAY - timedelta(days=late))


@st.composite
def rows(draw: st.DrawFn) -> StagedRow:
    """A document out of eight: its number decides whose it is, what it is and in which currency."""
    number = draw(st.integers(min_value=0, max_value=7))
    credit = number % 4 == 3
    sign = -1 if credit else 1
    total = sign * draw(cents)
    open_amount = draw(
        st.one_of(
            st.none(),
            st.just(total),
            st.just(total * 0),
            st.integers(0, 100).map(lambda part: total * part / 100),
        )
    )
    issued = draw(days)
    return StagedRow(
        line=0,
        customer_code="C1" if number < 4 else "C2",
        number=f"F{number}",
        kind="PAYMENT" if credit else "INVOICE",
        issue_date=issued,
        due_date=issued if credit else issued + timedelta(days=draw(st.integers(0, 30))),
        currency="USD" if number == 6 else "EUR",
        total_amount=total,
        open_amount=None if open_amount is None else open_amount.quantize(Decimal("0.01")),
    )


batches = st.tuples(
    st.just("batch"),
    st.sampled_from(["DELTA", "SNAPSHOT"]),
    days,
    st.lists(rows(), min_size=1, max_size=6, unique_by=lambda row: row.number),
)
matches = st.tuples(st.just("match"), st.integers(0, 99), st.integers(1, 100), days)
unmatches = st.tuples(st.just("unmatch"), st.integers(0, 99), days)
undos = st.tuples(st.just("undo"), st.integers(0, 3))


def books() -> list[tuple[object, ...]]:
    fields = [field.attname for field in OpenItem._meta.concrete_fields if field.name != "updated_at"]
    return [
        *OpenItem.objects.order_by("pk").values_list(*fields),
        *Allocation.objects.order_by("pk").values_list(),
    ]


class House:
    """The books of one entity and what happens to them."""

    def __init__(self) -> None:
        self.entity: LegalEntity = entity_with_customers()
        ImportGuard.objects.create(legal_entity=self.entity, second_person_amount=Decimal(10**9))
        self.person = User.objects.create_user("p@example.test", None, full_name="p")
        self.person.grants.create(role=Role.ACCOUNTANT)
        EntityScope.objects.create(user=self.person, legal_entity=None)
        # What stood there before each batch, as long as nothing came after it.
        self.before: dict[int, list[tuple[object, ...]]] = {}

    def batch(self, mode: str, as_of: date, given: list[StagedRow]) -> None:
        batch = receive_batch(
            actor=SYSTEM, entity=self.entity, file=io.BytesIO(b"x;y\n"), name="x.csv", now=NOW, mode=mode, as_of=as_of
        )  # fmt: skip
        ImportBatch.objects.filter(pk=batch.pk).update(status="READING")
        batch.refresh_from_db()
        for line, row in enumerate(given, 2):
            row.line = line
        with Staging() as table:
            table.copy("".join(copy_line(row) for row in given).encode())
            preview_staged(batch, table, TODAY, NOW)
        batch.refresh_from_db()
        for suspicion in batch.suspicions:
            confirm_suspicion(actor=self.person, batch=batch, code=suspicion["code"], now=NOW)
        before = books()
        try:
            commit_batch(actor=SYSTEM, batch=batch, accept_rejects=True, today=TODAY, now=NOW)
        except NothingToCommit:
            assert books() == before
            return
        assert write_batch(batch_id=batch.pk, today=TODAY, now=NOW)
        batch.refresh_from_db()
        assert batch.status == "COMMITTED", (batch.error_code, batch.error_params)
        announced = {currency: Decimal(amount) for currency, amount in batch.receivable_after.items()}
        assert {key: amount for key, amount in announced.items() if amount} == self.receivable()
        self.before = {**self.before, batch.pk: before}

    def match(self, which: int, percent: int, day: date) -> None:
        debits = OpenItem.objects.filter(open_amount__gt=0).order_by("pk")
        pairs = [
            (debit, credit)
            for debit in debits
            for credit in OpenItem.objects.filter(
                open_amount__lt=0, customer=debit.customer, currency=debit.currency
            ).order_by("pk")
        ]
        if not pairs:
            return
        debit, credit = pairs[which % len(pairs)]
        day = max(day, debit.issue_date, credit.issue_date)
        part = min(debit.open_amount, -credit.open_amount) * percent / 100
        amount = max(part.quantize(Decimal("0.01")), Decimal("0.01"))
        try:
            allocate(
                actor=SYSTEM, debit_id=debit.pk, credit_id=credit.pk, amount=amount, allocated_on=day, today=TODAY, now=NOW
            )  # fmt: skip
        except BusinessError:
            return
        self.before = {}

    def unmatch(self, which: int, day: date) -> None:
        found = list(Allocation.objects.filter(reversed_on__isnull=True).order_by("pk"))
        if not found:
            return
        chosen = found[which % len(found)]
        day = max(day, chosen.allocated_on)
        try:
            reverse_allocation(
                actor=SYSTEM, allocation_id=chosen.pk, reversed_on=day, reason="x", today=TODAY, now=NOW
            )  # fmt: skip
        except BusinessError:
            return
        self.before = {}

    def undo(self, which: int) -> None:
        committed = list(ImportBatch.objects.filter(status="COMMITTED").order_by("-pk"))
        if not committed:
            return
        batch = committed[which % len(committed)]
        before = books()
        try:
            request_rollback(actor=SYSTEM, batch=batch, reason="x", now=NOW)
        except RollbackRefused:
            assert books() == before
            assert batch.pk != max(self.before, default=0)
            return
        assert roll_back_batch(batch_id=batch.pk, today=TODAY, now=NOW)
        batch.refresh_from_db()
        assert batch.status == "ROLLED_BACK"
        if batch.pk == max(self.before, default=0):
            assert books() == self.before.pop(batch.pk)
        else:
            self.before = {}

    def receivable(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for currency, amount in OpenItem.objects.values_list("currency", "open_amount"):
            found[currency] = found.get(currency, Decimal(0)) + amount
        return {currency: amount for currency, amount in found.items() if amount}

    def check(self) -> None:
        assert findings(entity_id=self.entity.pk) == []
        for late in range(21):
            as_of = TODAY - timedelta(days=late)
            with connection.cursor() as cursor:
                cursor.execute(LATER_MOVES, {"as_of": as_of})
                moves = dict(cursor.fetchall())
            for item in OpenItem.objects.filter(issue_date__lte=as_of):
                in_force = sum(
                    part.amount
                    for part in Allocation.objects.filter(allocated_on__lte=as_of)
                    if item.pk in (part.debit_id, part.credit_id)
                    and (part.reversed_on is None or part.reversed_on > as_of)
                )
                sign = 1 if item.total_amount > 0 else -1
                assert (
                    item.open_amount + moves.get(item.pk, Decimal(0)) == item.total_amount - sign * in_force
                )
                assert 0 <= sign * (item.total_amount - sign * in_force) <= sign * item.total_amount


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(steps=st.lists(st.one_of(batches, batches, matches, unmatches, undos), min_size=2, max_size=9))
def test_the_books_hold_whatever_comes(steps: list[tuple[object, ...]]):
    with transaction.atomic():
        house = House()
        for name, *choices in steps:
            getattr(house, str(name))(*choices)
            house.check()
        transaction.set_rollback(True)
