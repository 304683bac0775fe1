"""The demo portfolio: its books balance, its identifiers are right and nobody's, and it is the same every time."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, override_settings

from config.demo import steps
from config.demo.batches import COMMITTED_INVOICES
from config.demo.books import Books
from config.demo.creditors import PASSWORD, api_secret
from config.demo.identities import BANK_CODE, SIREN_PREFIX
from config.demo.loading import stage_portfolio
from config.demo.names import elided
from config.demo.portfolio import Demo, Loaded, found_group, load_demo
from config.demo.profiles import Behaviour, Segment, make_profiles
from core.api.authentication import hash_key
from core.models import ApiKey, Role, User
from core.rights import SYSTEM
from customers.identifiers import clean_iban, clean_siren, clean_siret, clean_vat_number
from customers.models import Contact, Customer, LegalEntity
from dunning.models import Call, Case, Delivery, Letter, Level, Notice, Policy
from invoices.models import (
    AgeingDay,
    AgeingTotal,
    BankFile,
    BankLine,
    ImportBatch,
    OpenItem,
    PaymentPlan,
    Promise,
)
from invoices.operations.promises import settle_promises
from risk.models import CreditLimit, Score
from tests.config.demo_rows import digest, query

AS_OF = date(2026, 11, 23)
SMALL = Demo(customers=90, invoices=12, seed=2026)


def load(demo: Demo, as_of: date = AS_OF) -> Loaded:
    return load_demo(demo=demo, as_of=as_of, say=lambda _text: None)


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker, tmp_path_factory):
    """A small demo with everything in it, loaded once for the tests that only look."""
    from django.conf import settings

    folder = tmp_path_factory.mktemp("demo")
    storages = {name: dict(options) for name, options in settings.STORAGES.items()}
    storages["private"]["OPTIONS"] = {**storages["private"]["OPTIONS"], "location": folder}
    with django_db_blocker.unblock(), override_settings(STORAGES=storages), transaction.atomic():
        yield load(SMALL)
        transaction.set_rollback(True)


# --- the books ---------------------------------------------------------------------------------------------


def check_books() -> None:
    assert (
        query("""
        SELECT i.number FROM invoices_openitem i
        LEFT JOIN (
            SELECT item_id, sum(amount) AS amount FROM (
                SELECT debit_id AS item_id, amount FROM invoices_allocation WHERE reversed_on IS NULL
                UNION ALL SELECT credit_id, -amount FROM invoices_allocation WHERE reversed_on IS NULL
            ) moves GROUP BY item_id
        ) settled ON settled.item_id = i.id
        WHERE i.open_amount <> i.total_amount - coalesce(settled.amount, 0)""")
        == []
    )
    assert (
        query("""
        SELECT a.id FROM invoices_allocation a
        JOIN invoices_openitem d ON d.id = a.debit_id JOIN invoices_openitem c ON c.id = a.credit_id
        WHERE d.customer_id <> c.customer_id OR d.currency <> c.currency OR d.total_amount < 0 OR c.total_amount > 0
           OR a.allocated_on < greatest(d.issue_date, c.issue_date) OR a.allocated_on > %s""", AS_OF)
        == []
    )  # fmt: skip
    # On no day of the past was more allocated than there was.
    assert (
        query("""
        SELECT item_id FROM (
            SELECT item_id, sum(change) OVER (PARTITION BY item_id ORDER BY day) AS allocated
            FROM (
                SELECT debit_id AS item_id, allocated_on AS day, amount AS change FROM invoices_allocation
                UNION ALL SELECT debit_id, reversed_on, -amount FROM invoices_allocation WHERE reversed_on IS NOT NULL
                UNION ALL SELECT credit_id, allocated_on, amount FROM invoices_allocation
                UNION ALL SELECT credit_id, reversed_on, -amount FROM invoices_allocation WHERE reversed_on IS NOT NULL
            ) moves
        ) running JOIN invoices_openitem i ON i.id = item_id
        WHERE allocated > abs(i.total_amount) OR allocated < 0""")
        == []
    )
    assert (
        query("""
        SELECT i.number FROM invoices_openitem i
        LEFT JOIN invoices_dispute d ON d.item_id = i.id AND d.resolved_on IS NULL
        WHERE i.disputed_amount <> coalesce(d.amount, 0) OR i.disputed_amount > abs(i.open_amount)""")
        == []
    )
    assert (
        query("""
        SELECT i.number FROM invoices_openitem i JOIN customers_customer c ON c.id = i.customer_id
        WHERE i.legal_entity_id <> c.legal_entity_id OR i.currency <> c.currency OR i.issue_date > %s""", AS_OF)
        == []
    )  # fmt: skip


def test_the_books_balance(demo) -> None:
    check_books()


def test_numbers_follow_each_other_in_each_entity_and_year(demo) -> None:
    broken = query("""
        SELECT legal_entity_id, left(number, 7), count(*), max(right(number, 6)::int) FROM invoices_openitem
        WHERE number NOT LIKE 'BQ-%%' AND number NOT LIKE 'VIR-%%'
        GROUP BY 1, 2 HAVING count(*) <> max(right(number, 6)::int)""")
    assert broken == []
    out_of_order = query("""
        SELECT number FROM (
            SELECT number, issue_date,
                   lag(issue_date) OVER (PARTITION BY legal_entity_id, left(number, 7) ORDER BY number) AS before
            FROM invoices_openitem WHERE number NOT LIKE 'BQ-%%' AND number NOT LIKE 'VIR-%%'
        ) rows WHERE before > issue_date""")
    assert out_of_order == []


def test_the_statements_are_matched_as_far_as_certain(demo) -> None:
    assert list(BankFile.objects.order_by("pk").values_list("status", flat=True)) == ["ACCEPTED", "PREVIEWED"]
    lines = BankLine.objects.filter(statement__status="ACCEPTED")
    assert lines.filter(status="APPLIED").count() >= 20
    assert lines.filter(status="OPEN", proposals__isnull=False).exists()
    assert lines.filter(status="OPEN", counterparty_name="SCI DES TROIS MOULINS").exists()
    assert lines.filter(status="SET_ASIDE").count() == 1


def test_counts_are_what_was_asked(demo) -> None:
    assert demo.customers == Customer.objects.count() == SMALL.customers
    assert (
        demo.invoices == OpenItem.objects.filter(kind="INVOICE").count() == SMALL.customers * SMALL.invoices
    )
    assert query("SELECT min(issue_date) FROM invoices_openitem")[0][0] < date(2025, 1, 15)


def test_every_kind_of_event_is_there(demo) -> None:
    assert OpenItem.objects.filter(kind="PAYMENT", open_amount__lt=0).exists()
    assert OpenItem.objects.filter(kind="CREDIT_NOTE").exists()
    assert query(
        "SELECT count(*) FROM invoices_openitem WHERE 0 < open_amount AND open_amount < total_amount"
    )[0][0]
    several = "SELECT credit_id FROM invoices_allocation GROUP BY 1 HAVING count(DISTINCT debit_id) > 1"
    assert query(several)
    assert {status for (status,) in query("SELECT DISTINCT status FROM invoices_promise")} >= {
        "KEPT",
        "BROKEN",
    }
    assert query("SELECT 1 FROM invoices_dispute WHERE resolved_on IS NOT NULL LIMIT 1")
    assert query("SELECT 1 FROM invoices_dispute WHERE resolved_on IS NULL LIMIT 1")


def test_payment_plans_stand_at_each_stage(demo) -> None:
    assert sorted(PaymentPlan.objects.values_list("status", flat=True)) == [
        "ACTIVE",
        "DEFAULTED",
        "DRAFT",
        "OFFERED",
        "TO_APPROVE",
    ]
    kept = PaymentPlan.objects.get(status="ACTIVE")
    assert [row.status for row in kept.instalments.order_by("rank")][:2] == ["PAID", "DUE"]
    assert kept.agreement is not None and kept.signed_agreement is not None


def test_promises_are_already_judged(demo) -> None:
    assert settle_promises(actor=SYSTEM, today=AS_OF, now=steps.at(AS_OF)) == {
        "kept": 0,
        "partly_kept": 0,
        "broken": 0,
    }
    assert not Promise.objects.filter(status="OPEN", promised_date__lt=date(2026, 11, 10)).exists()


# --- who is in it ------------------------------------------------------------------------------------------


def test_identifiers_are_valid_and_in_the_ranges_of_nobody(demo) -> None:
    for entity in LegalEntity.objects.all():
        assert clean_siren(entity.siren).startswith(SIREN_PREFIX)
        assert clean_vat_number(entity.vat_number, "FR", entity.siren) == entity.vat_number
        assert clean_iban(entity.iban)[4:9] == BANK_CODE
    for customer in Customer.objects.all():
        if customer.siren:
            assert clean_siren(customer.siren).startswith(SIREN_PREFIX)
            assert clean_siret(customer.siret, customer.siren) == customer.siret
        if customer.vat_number:
            assert (
                clean_vat_number(customer.vat_number, customer.country, customer.siren) == customer.vat_number
            )
        is_french_professional = customer.country == "FR" and customer.kind != Customer.Kind.CONSUMER
        assert bool(customer.siren) == is_french_professional, customer
    assert (
        query("SELECT siren FROM customers_customer WHERE siren <> '' GROUP BY 1 HAVING count(*) > 1") == []
    )


def test_addresses_of_mail_lead_nowhere(demo) -> None:
    emails = [
        *Contact.objects.values_list("email", flat=True),
        *User.objects.values_list("email", flat=True),
        *LegalEntity.objects.values_list("email", flat=True),
    ]
    assert emails
    assert [email for email in emails if not email.endswith(".example")] == []


def test_customers_are_of_every_kind(demo) -> None:
    assert set(Customer.objects.values_list("kind", flat=True)) == set(Customer.Kind.values)
    assert {"FR"} < set(Customer.objects.values_list("country", flat=True))
    assert set(Customer.objects.values_list("segment", flat=True)) == set(Segment)
    assert set(Customer.objects.values_list("status", flat=True)) >= {"ACTIVE", "ON_HOLD", "INSOLVENT"}
    assert not Customer.objects.filter(status="ON_HOLD", hold_reason="").exists()
    assert query("SELECT count(*) FROM customers_customer c JOIN customers_customer p ON p.id = c.parent_id"
                 " WHERE p.legal_entity_id <> c.legal_entity_id") == [(0,)]  # fmt: skip
    for name in ("Orvand", "Éclois", "Tarvec"):
        assert (elided(name) == "d’") == (name != "Tarvec")


@pytest.mark.parametrize("customers", [7, 40, 400])
def test_every_behaviour_and_segment_from_the_smallest_demo_on(customers: int) -> None:
    profiles = make_profiles(customers, customers * 20, 2026)
    assert {profile.behaviour for profile in profiles} == set(Behaviour)
    assert sum(profile.count for profile in profiles) == customers * 20
    assert all(profile.count >= 0 for profile in profiles)
    if customers > 40:
        assert {profile.segment for profile in profiles} == set(Segment)
        assert any(profile.parent is not None for profile in profiles)


# --- the work that waits -----------------------------------------------------------------------------------


def test_customers_stand_at_each_level(demo) -> None:
    sent = set(Notice.objects.filter(status="SENT").values_list("level__kind", flat=True))
    assert sent >= {Level.Kind.REMINDER, Level.Kind.SECOND_REMINDER, Level.Kind.FORMAL_NOTICE}
    assert Letter.objects.count() == demo.letters > 0
    assert not Notice.objects.filter(status__in=["APPROVED", "RENDERED", "SENDING"]).exclude(
        level__channel__in=[Level.Channel.AGENCY, Level.Channel.PHONE]
    )
    waiting = Notice.objects.filter(status__in=["PROPOSED", "APPROVED"]).exclude(
        level__channel=Level.Channel.AGENCY, status="APPROVED"
    )
    assert waiting.count() == demo.notices > 0
    assert set(waiting.values_list("as_of", flat=True)) == {AS_OF}


def test_letters_on_paper_left_in_batches_and_calls_are_to_be_made(demo) -> None:
    posted = Delivery.objects.filter(channel__in=Level.POSTED)
    assert (
        posted.filter(post_batch__status="HANDED", post_batch__file__isnull=False).count()
        == posted.count()
        > 0
    )
    assert not posted.filter(channel=Level.Channel.REGISTERED, tracking_number="").exists()
    calls = Notice.objects.filter(level__channel=Level.Channel.PHONE)
    assert set(calls.values_list("status", flat=True)) <= {"APPROVED"}
    assert Call.objects.count() == min(calls.count(), 1)


def test_one_case_went_to_the_agency_with_its_dossier(demo) -> None:
    case = Case.objects.get(status="HANDED_OVER")
    assert case.dossier.size > 1000
    assert case.notice.status == "SENT"


def test_policies_have_a_past_and_a_present(demo) -> None:
    assert Policy.objects.filter(status="ACTIVE", version=2).count() == 4
    assert Policy.objects.filter(status="RETIRED", version=1).count() == 4
    assert Policy.objects.filter(status="DRAFT", version=3).count() == 1
    consumers = Level.objects.filter(policy__customer_kind="CONSUMER")
    assert not consumers.filter(claims_indemnity=True).exists()
    assert not consumers.filter(claims_interest=True).exists()
    # Nothing leaves the demo without a person.
    assert not Level.objects.filter(approval="AUTOMATIC").exists()


def test_stored_ageing_equals_the_ledger(demo) -> None:
    day = AgeingDay.objects.filter(as_of=AS_OF)
    assert day.count() == 2
    assert AgeingDay.objects.count() == 26
    stored = dict(
        query(
            "SELECT currency, sum(total_amount) FROM invoices_ageingtotal WHERE day_id = ANY(%s) GROUP BY 1",
            list(day.values_list("pk", flat=True)),
        )
    )
    ledger = dict(query("SELECT currency, sum(open_amount) FROM invoices_openitem GROUP BY 1"))
    assert {currency: amount for currency, amount in stored.items() if amount} == {
        currency: amount for currency, amount in ledger.items() if amount
    }
    assert AgeingTotal.objects.exists()


def test_scores_and_limits(demo) -> None:
    assert Score.objects.filter(is_current=True).count() == SMALL.customers
    assert len(set(Score.objects.filter(is_current=True).values_list("risk_class", flat=True))) >= 4
    assert CreditLimit.objects.filter(amount__gte=1000).count() > SMALL.customers // 2


def test_two_sample_files(demo) -> None:
    committed = ImportBatch.objects.get(status="COMMITTED")
    assert (committed.new_count, committed.error_count) == (COMMITTED_INVOICES, 0)
    waiting = ImportBatch.objects.get(status="PREVIEWED")
    assert waiting.error_count == 3
    assert waiting.new_count == 6


def test_the_api_key_is_the_printed_one(demo) -> None:
    printed = next(account for account in demo.accounts if account.roles == (Role.API_PARTNER,))
    assert printed.secret == api_secret(SMALL.seed)
    assert ApiKey.objects.get(secret_sha256=hash_key(printed.secret)).user.email == printed.login


def test_people_sign_in_with_the_printed_password(demo, client) -> None:
    main = next(account for account in demo.accounts if len(account.roles) > 1)
    assert client.login(username=main.login, password=PASSWORD)
    assert set(User.objects.get(email=main.login).grants.values_list("role", flat=True)) == set(main.roles)


# --- the same every time, in a few statements --------------------------------------------------------------


@pytest.mark.django_db
def test_same_arguments_same_rows() -> None:
    found = []
    for seed in (11, 11, 12):
        with transaction.atomic():
            load(Demo(customers=50, invoices=6, seed=seed, bare=True))
            found.append(digest())
            transaction.set_rollback(True)
    assert found[0] == found[1] != found[2]


@pytest.mark.django_db
def test_books_opened_in_steps_end_the_same_as_at_once() -> None:
    found = []
    for days in ([AS_OF], [*steps.campaign_days(AS_OF), AS_OF]):
        with transaction.atomic():
            group, _accounts = found_group(5, AS_OF)
            stage_portfolio(make_profiles(60, 480, 5), group, lambda _done, _of: None)
            books = Books()
            for day in days:
                books.open_until(day, steps.at(day))
                late = "SELECT 1 FROM invoices_allocation WHERE allocated_on > %s OR reversed_on > %s"
                assert query(late, day, day) == []
            check_books()
            found.append(digest())
            transaction.set_rollback(True)
    assert found[0] == found[1]


@pytest.mark.django_db
def test_statements_do_not_grow_with_the_portfolio() -> None:
    counts = []
    for customers in (40, 400):
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            load(Demo(customers=customers, invoices=5, bare=True))
            transaction.set_rollback(True)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [1, 2026])
def test_the_receivable_looks_like_one(seed: int) -> None:
    load(Demo(customers=400, invoices=15, seed=seed, bare=True))
    check_books()
    [(total, late, old)] = query(
        """SELECT sum(open_amount), sum(open_amount) FILTER (WHERE open_amount > 0 AND due_date < %s),
                  sum(open_amount) FILTER (WHERE open_amount > 0 AND due_date < %s)
           FROM invoices_openitem WHERE currency = 'EUR'""", AS_OF, date(2026, 7, 26))  # fmt: skip
    assert Decimal("0.14") < late / total < Decimal("0.28")
    assert Decimal("0.005") < old / total < Decimal("0.12")
    assert {"EUR", "GBP", "CHF"} <= set(Customer.objects.values_list("currency", flat=True))
    assert query("SELECT max(length(name)) FROM customers_customer")[0][0] >= 55


@pytest.mark.django_db
def test_a_day_without_legal_rates_still_gives_a_demo() -> None:
    told = load(Demo(customers=45, invoices=6, seed=3), date(2031, 2, 28))
    assert told.customers == 45
    assert any("2029" in note or "2030" in note or "2031" in note for note in told.notes)


def test_an_hour_of_a_day_is_utc() -> None:
    assert steps.at(date(2026, 11, 23)) == datetime.fromisoformat("2026-11-23T07:00:00+00:00")
