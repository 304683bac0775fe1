"""One document of every sort, so that each route of the house has something to show."""

import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core import clock
from core.calendar import add_months
from core.files import store_file
from core.legal import register
from core.models import ApiKey, LegalParameter, User
from core.rights import SYSTEM
from dunning.letter_context import LetterFacts
from dunning.models import Agency, Case, CaseItem, FeeWaiver, Level, LimitationEvent, Notice
from dunning.operations.exceptions import add_exception
from dunning.operations.letter_templates import draft_template
from dunning.operations.letters import render_next
from dunning.operations.limitation_events import record_limitation_event
from dunning.operations.notices import approve_notices
from dunning.operations.runs import dun
from dunning.operations.stops import stop_dunning
from dunning.operations.suppressions import suppress_address
from invoices.models import (
    Dispute,
    DisputeFile,
    ImportBatch,
    ImportProfile,
    OpenItem,
    PaymentPlan,
    Promise,
)
from invoices.operations.disputes import add_dispute_file
from invoices.operations.payment_plans import start_plan, submit_plan
from invoices.plan_rules import equal_instalments
from tests.dunning.factories import (
    load_law,
    make_agency,
    make_customer,
    make_entity,
    make_item,
    make_policy,
    make_step,
    settle,
)
from tests.house.cash_world import bank_world, cash_world
from tests.house.cover_world import COVER_ROUTES, cover_world
from tests.house.limits_world import LIMIT_ROUTES, limits_world
from tests.house.policy_world import POLICY_ROUTES, policy_documents
from tests.house.post_world import post_world
from tests.house.provision_world import PROVISION_ROUTES, provision_world
from tests.house.risk_checks_world import CHECK_ROUTES, checks_world
from tests.house.score_world import SCORE_ROUTES, score_world
from tests.house.watch_world import WATCH_ROUTES, watch_world
from tests.invoices.plans import SIGNED, drafted

# route -> its arguments -> the key of the world that gives the value
ROUTE_ARGUMENTS: dict[str, dict[str, str]] = {
    "customers:customer-detail": {"pk": "customer"},
    "customers:customer-timeline": {"pk": "customer"},
    "customers:customer-edit": {"pk": "customer"},
    "customers:contact-add": {"pk": "customer"},
    "customers:customer-hold": {"pk": "customer"},
    "customers:customer-release": {"pk": "customer"},
    "customers:customer-insolvency": {"pk": "customer"},
    "dunning:run-detail": {"pk": "run"},
    "dunning:run-outcomes": {"pk": "run"},
    "dunning:run-outcomes-export": {"pk": "run", "file_format": "csv"},
    "dunning:run-confirm": {"pk": "run"},
    "dunning:run-release": {"pk": "run"},
    "dunning:run-cancel": {"pk": "run"},
    "dunning:notice-sent": {"pk": "notice"},
    "dunning:exception-add": {"customer_pk": "customer"},
    "dunning:exception-end": {"pk": "exception"},
    "dunning:settings-edit": {"pk": "entity"},
    "dunning:stop-lift": {"pk": "stop"},
    "dunning:notice-detail": {"pk": "notice"},
    "dunning:letter-pdf": {"pk": "printed"},
    "dunning:notice-preview": {"pk": "notice"},
    "dunning:notice-redo": {"pk": "notice"},
    "dunning:notice-retry": {"pk": "notice"},
    "dunning:item-law": {"pk": "item"},
    "dunning:waiver-create": {"pk": "item"},
    "dunning:waiver-revoke": {"pk": "waiver"},
    "dunning:notice-waive": {"pk": "notice"},
    "dunning:limitation-export": {"file_format": "csv"},
    "dunning:limitation-record": {"pk": "item"},
    **{f"dunning:limitation-{name}": {"pk": "limitation_event"} for name in ("end", "withdraw", "evidence")},
    "dunning:suppression-lift": {"pk": "suppression"},
    **{
        f"dunning:post-batch-{name}": {"pk": "post_batch"}
        for name in ("detail", "pdf", "manifest", "post", "numbers", "undo")
    },
    **{f"dunning:delivery-{name}": {"pk": "delivery"} for name in ("number", "proof")},
    **{f"dunning:call-{name}": {"pk": "call"} for name in ("detail", "give-up")},
    "dunning:case-detail": {"pk": "case"},
    "dunning:case-dossier": {"pk": "case"},
    "dunning:case-hand-over": {"pk": "case"},
    "dunning:case-recall": {"pk": "case"},
    "dunning:customer-panel": {"pk": "customer"},
    "dunning:template-built-in": {"kind": "level_kind", "language": "language"},
    **{
        f"dunning:template-{name}": {"pk": "letter_template"}
        for name in ("detail", "check", "preview", "step")
    },
    "dunning:letterhead-detail": {"pk": "entity"},
    "dunning:letter-edit": {"pk": "notice"},
    "dunning:letter-edit-check": {"pk": "notice"},
    **POLICY_ROUTES,
    **CHECK_ROUTES,
    **LIMIT_ROUTES,
    **PROVISION_ROUTES,
    **COVER_ROUTES,
    **WATCH_ROUTES,
    "risk:customer-panel": {"pk": "customer"},
    **SCORE_ROUTES,
    "risk:limit-set": {"pk": "customer"},
    "invoices:customer-panel": {"pk": "customer"},
    "invoices:item-detail": {"pk": "item"},
    "invoices:item-document": {"pk": "item"},
    "invoices:item-allocate": {"pk": "item"},
    "invoices:item-dispute": {"pk": "item"},
    "invoices:item-promise": {"pk": "item"},
    "invoices:allocation-reverse": {"pk": "allocation"},
    "invoices:dispute-resolve": {"pk": "dispute"},
    **{f"invoices:dispute-{name}": {"pk": "dispute"} for name in ("detail", "change", "file-add")},
    "invoices:dispute-file": {"pk": "dispute_file"},
    "invoices:promise-withdraw": {"pk": "promise"},
    "invoices:plan-create": {"customer": "customer"},
    **{
        f"invoices:plan-{name}": {"uid": "plan"}
        for name in (
            "detail",
            "agreement",
            "signed",
            "submit",
            "approve",
            "return",
            "start",
            "cancel",
        )
    },
    "invoices:ageing-export": {"file_format": "csv"},
    **{f"invoices:{name}-export": {"file_format": "csv"} for name in ("item", "dispute", "promise")},
    "customers:customer-export": {"file_format": "csv"},
    "core:user-detail": {"pk": "somebody"},
    "core:user-deactivate": {"pk": "somebody"},
    "core:user-reactivate": {"pk": "somebody"},
    "core:role-grant": {"pk": "somebody"},
    "core:role-revoke": {"pk": "somebody"},
    "core:api-key-revoke": {"pk": "api_key"},
    "core:legal-parameter-confirm": {"pk": "legal_parameter"},
    "api:customer": {"id": "customer_uid"},
    "api:invoice": {"id": "item_uid"},
    "api:invoice-batch": {"id": "batch"},
    "api:invoice-batch-rows": {"id": "batch"},
    "api:invoice-batch-errors": {"id": "batch"},
    "api:invoice-batch-commit": {"id": "batch"},
    "api:invoice-batch-report": {"id": "batch"},
    "api:invoice-batch-confirmations": {"id": "batch"},
    "api:invoice-batch-rollback": {"id": "batch"},
    "api:invoice-batch-cancel": {"id": "batch"},
    "api:bank-statement": {"id": "bank_file"},
    "api:bank-statement-accept": {"id": "bank_file"},
    **{
        f"invoices:cash-{name}": {"pk": "bank_line"}
        for name in (
            "balance",
            "apply",
            "accept",
            "set-aside",
            "reopen",
            "return",
            "refund",
            "confirm-refund",
        )
    },
    "invoices:cash-payer-forget": {"pk": "payer_alias"},
    "invoices:entry-export-file": {"pk": "entry_export"},
    "invoices:application-reverse": {"pk": "application"},
    "invoices:credit-apply": {"pk": "customer"},
    "invoices:item-write-off": {"pk": "item"},
    "invoices:item-refund": {"pk": "item"},
    "invoices:bank-file-detail": {"uid": "bank_file"},
    "invoices:bank-file-progress": {"uid": "bank_file"},
    "invoices:bank-file-original": {"uid": "bank_file"},
    "invoices:bank-file-accept": {"uid": "bank_file"},
    "invoices:bank-file-cancel": {"uid": "bank_file"},
    "invoices:bank-file-withdraw": {"uid": "bank_file"},
    "invoices:bank-file-reread": {"uid": "bank_file"},
    "invoices:bank-account-edit": {"pk": "bank_account"},
    "invoices:bank-account-archive": {"pk": "bank_account"},
    "invoices:bank-account-reopen": {"pk": "bank_account"},
    "invoices:drop-folder-edit": {"pk": "drop_folder"},
    "api:notice": {"id": "notice_uid"},
    "api:notice-letter": {"id": "notice_uid"},
    "invoices:import-sample": {"entity": "entity_code"},
    "invoices:import-detail": {"uid": "batch"},
    "invoices:import-progress": {"uid": "batch"},
    "invoices:import-rows": {"uid": "batch"},
    "invoices:import-errors": {"uid": "batch", "file_format": "csv"},
    "invoices:import-commit": {"uid": "batch"},
    "invoices:import-cancel": {"uid": "batch"},
    "invoices:import-reread": {"uid": "batch"},
    "invoices:import-mapping": {"uid": "batch"},
    "invoices:import-confirm": {"uid": "batch"},
    "invoices:import-approve": {"uid": "batch"},
    "invoices:import-return": {"uid": "batch"},
    "invoices:import-rollback": {"uid": "batch"},
    "invoices:import-profile-detail": {"pk": "import_profile"},
    "invoices:import-profile-archive": {"pk": "import_profile"},
    "invoices:import-guard": {"entity": "entity_code"},
}


def build_world() -> dict[str, Any]:
    """Make the documents; returns what the routes name them by."""
    today, now = clock.today(), clock.now()
    load_law()
    entity = make_entity()
    policy = make_policy(entity)
    customer, other = make_customer(entity), make_customer(entity)
    make_item(customer, "900.00", today - timedelta(days=9))
    item = make_item(customer, "400.00", today + timedelta(days=9))
    allocation = settle(item, make_item(customer, "-100.00", today), "100.00", today)
    make_item(other, "700.00", today - timedelta(days=8))
    dispute = Dispute.objects.create(item=item, amount="50.00", reason="PU_ERR", opened_on=today)
    promise = Promise.objects.create(item=item, amount="50.00", promised_date=today, made_on=today)
    somebody = User.objects.create_user(
        "somebody@example.test", "mot-de-passe-de-test", full_name="Quelqu’un"
    )
    api_key = ApiKey.objects.create(
        user=somebody, name="clé", prefix="enc_live_x", secret_sha256="0" * 64, created_at=now
    )
    planned = dun(actor=SYSTEM, legal_entity=entity, as_of=today, now=now)
    notices = {notice.customer_id: notice for notice in Notice.objects.filter(run=planned.run_id)}
    approve_notices(actor=SYSTEM, notice_ids=[notices[other.pk].pk], today=today, now=now)
    printed = render_next(actor=SYSTEM, facts=LetterFacts(register()), today=today, now=now)
    assert printed is not None
    return {
        **policy_documents(policy, today),
        "level_rank": 1,
        "entity": entity.pk,
        "entity_code": entity.code,
        "customer": customer.pk,
        "customer_uid": customer.uid,
        "item": item.pk,
        "item_uid": item.uid,
        "allocation": allocation.pk,
        "run": planned.run_id,
        "notice": notices[customer.pk].pk,
        # Of an account and an entity that nothing else here is about.
        "exception": add_exception(
            actor=SYSTEM,
            customer=make_customer(make_entity()),
            effect="REMINDERS_ONLY",
            reason="Client stratégique",
            until=None,
            today=today,
            now=now,
        ).pk,
        "stop": stop_dunning(
            actor=SYSTEM, legal_entity=make_entity(), reason="Reprise des soldes", now=now
        ).pk,
        "suppression": suppress_address(
            actor=SYSTEM, address="parti@client.example", detail="parti", now=now
        ).pk,
        "notice_uid": printed.uid,
        "printed": printed.pk,
        **post_world(entity, printed, today, now),
        **watch_world(make_customer(make_entity()), today, now),
        **checks_world(make_customer(entity), today, now),
        **limits_world(make_customer(entity), today, now),
        **cover_world(make_customer(make_entity()), today, now),
        **provision_world(make_customer(entity), somebody, today, now),
        **score_world(make_customer(entity), today, now),
        "dispute": dispute.pk,
        "dispute_file": _dispute_file(dispute).pk,
        "plan": _plan(entity, today).uid,
        "promise": promise.pk,
        "waiver": FeeWaiver.objects.create(
            item=item, part="BOTH", reason="geste", granted_by=somebody, granted_on=today, created_at=now
        ).pk,
        "limitation_event": _limitation_event(item).pk,
        "somebody": somebody.pk,
        "api_key": api_key.pk,
        "legal_parameter": LegalParameter.objects.order_by("pk").values_list("pk", flat=True)[0],
        "case": _case(entity, policy, today).pk,
        "level_kind": "REMINDER",
        "language": "en",
        "letter_template": draft_template(
            actor=SYSTEM, code="REMINDER", kind="REMINDER", language="fr", legal_entity=None, now=now
        ).pk,
        "batch": _batch(entity).uid,
        **bank_world(entity),
        **cash_world(customer, today),
        "import_profile": ImportProfile.objects.create(
            legal_entity=entity, name="Export du logiciel", columns={"number": "No"}, updated_at=now
        ).pk,
    }


def _limitation_event(item: OpenItem) -> LimitationEvent:
    [event] = record_limitation_event(
        actor=SYSTEM,
        item_id=item.pk,
        kind="COURT_CLAIM",
        happened_on=clock.today(),
        evidence="assignation",
        is_certain=True,
        content=io.BytesIO(SIGNED),
        name="assignation.pdf",
        content_type="application/pdf",
        today=clock.today(),
        now=clock.now(),
    )
    return event


def _dispute_file(dispute: Dispute) -> DisputeFile:
    return add_dispute_file(
        actor=SYSTEM,
        dispute_id=dispute.pk,
        content=io.BytesIO(SIGNED),
        name="reclamation.pdf",
        content_type="application/pdf",
        now=clock.now(),
    )


def _plan(entity: Any, today: date) -> PaymentPlan:
    """A plan in force, with its agreement as it was made and as it was signed."""
    item = make_item(make_customer(entity), "300.00", today - timedelta(days=5))
    when: dict[str, Any] = {"today": today, "now": clock.now()}
    plan = drafted([item], instalments=equal_instalments(Decimal("300.00"), 3, add_months(today, 1)), **when)
    submit_plan(actor=SYSTEM, plan_id=plan.pk, **when)
    return start_plan(
        actor=SYSTEM, plan_id=plan.pk, content=io.BytesIO(SIGNED), name="accord-signe.pdf", **when
    )


def _case(entity: Any, policy: Any, today: date) -> Case:
    item = make_item(make_customer(entity), "5000.00", today - timedelta(days=200))
    notice = make_step(item, policy.levels.get(kind=Level.Kind.HAND_OVER), sent_on=None)
    agency = Agency.objects.first() or make_agency()
    dossier = store_file(
        content=b"PK",
        name="dossier.zip",
        kind="dunning.dossier",
        content_type="application/zip",
        now=clock.now(),
    )
    case = Case.objects.create(
        notice=notice, legal_entity=entity, customer=item.customer, agency=agency, opened_on=today,
        dossier=dossier, status=Case.Status.READY,
    )  # fmt: skip
    CaseItem.objects.create(case=case, item=item)
    return case


def _batch(entity: Any) -> ImportBatch:
    file = store_file(
        content=b"a;b\n", name="lot.csv", kind="invoices.batch", content_type="text/csv", now=clock.now()
    )
    return ImportBatch.objects.create(
        legal_entity=entity, file=file, received_at=clock.now(), updated_at=clock.now()
    )
