"""Remise en recouvrement: opening cases, building their dossiers, handing them over, calling them back."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.jobs import kick
from core.operation import operation
from core.rights import Actor
from core.states import check_move
from dunning.dossier_context import dossier_bytes
from dunning.gate import WAIT_LABELS, delay, explain, obstacles
from dunning.gate_facts import notices_now
from dunning.letter_context import StatementChanged
from dunning.models import Agency, Case, CaseItem, Level, Notice, NoticeLine


class NoAgency(BusinessError):
    """There is nobody to hand over to."""

    code = "no_agency"


class FormalNoticeMissing(BusinessError):
    """An item goes to the agency only after a formal notice whose sending is proven."""

    code = "formal_notice_missing"


class NotTransferable(BusinessError):
    """Something happened to the case's items since it was opened."""

    code = "not_transferable"


def open_cases(*, actor: Actor, notices: Sequence[Notice], today: date, now: datetime) -> list[Case]:
    """Open the case of each approved hand-over notice. Part of `approve_notices`: same transaction."""
    agency = Agency.objects.filter(is_active=True).order_by("id").first()
    if agency is None:
        raise NoAgency(
            _("Aucune agence de recouvrement n’est active : créez-en une avant de valider la remise.")
        )
    _check_formal_notices(notices)
    cases = Case.objects.bulk_create(
        Case(
            notice=notice,
            legal_entity_id=notice.legal_entity_id,
            customer_id=notice.customer_id,
            agency=agency,
            opened_on=today,
        )
        for notice in notices
    )
    by_notice = {case.notice_id: case for case in cases}
    lines = NoticeLine.objects.filter(notice__in=by_notice, rank__gt=0).order_by("id")
    CaseItem.objects.bulk_create(
        CaseItem(case=by_notice[line.notice_id], item_id=line.item_id) for line in lines
    )
    audit.record_each(
        actor=actor,
        verb="dunning.case.opened",
        events=(
            ([case, f"notice:{case.notice_id}", f"customer:{case.customer_id}"], {"agency": agency.name})
            for case in cases
        ),
        now=now,
    )
    kick("dunning.tasks.build_dossiers")
    return cases


def _check_formal_notices(notices: Sequence[Notice]) -> None:
    """C. civ. 1344: the debtor is put on notice before anybody else asks him."""
    items = set(
        NoticeLine.objects.filter(notice__in=[notice.pk for notice in notices], rank__gt=0).values_list(
            "item", flat=True
        )
    )
    noticed = set(
        NoticeLine.objects.filter(
            item__in=items,
            in_force=True,
            notice__status=Notice.Status.SENT,
            notice__level__kind=Level.Kind.FORMAL_NOTICE,
        ).values_list("item", flat=True)
    )
    if missing := items - noticed:
        raise FormalNoticeMissing(
            ngettext(
                "%(count)d pièce n’a pas reçu de mise en demeure : elle ne peut pas être remise en recouvrement.",
                "%(count)d pièces n’ont pas reçu de mise en demeure : elles ne peuvent pas être remises en recouvrement.",
                len(missing),
            )
            % {"count": len(missing)}
        )


@operation("dunning.deliver")
def build_dossier_of(*, actor: Actor, case_id: int, today: date, now: datetime) -> Case | None:
    """Freeze the dossier of an opened case as a ZIP; it is then ready to be handed over.

    A case whose claim was dated back meanwhile is recalled: the next run proposes it anew. None when the case
    is prepared already, or by somebody else at this moment.
    """
    case = (
        Case.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("agency", "customer", "notice")
        .filter(pk=case_id, status=Case.Status.OPENED)
        .first()
    )
    if case is None:
        return None
    try:
        content = dossier_bytes(case, today=today)
    except StatementChanged as changed:
        return _take_back(actor, case, _("le décompte des pénalités a changé (%s)") % changed, now)
    case.dossier = store_file(
        content=content,
        name=f"dossier-{case}-{case.customer.account_code}.zip",
        kind="dunning.dossier",
        content_type="application/zip",
        now=now,
    )
    case.status = Case.Status.READY
    case.save(update_fields=["dossier", "status"])
    audit.record(
        actor=actor,
        verb="dunning.case.prepared",
        refs=[case, f"customer:{case.customer_id}"],
        now=now,
        sha256=case.dossier.sha256,
    )
    return case


@operation("dunning.hand_over")
def hand_over_case(*, actor: Actor, case: Case, today: date, now: datetime) -> Case:
    """Confirm that the agency got the dossier.

    Refused when the claim changed since the case was opened, and while a stop or a receipt to match keeps it.
    """
    case = _locked(actor, case)
    check_move(case, Case.Status.HANDED_OVER)
    notice = Notice.objects.select_for_update(of=("self",)).select_related("customer").get(pk=case.notice_id)
    check_move(notice, Notice.Status.SENT)
    facts = notices_now([notice], today=today, leaving_at=now)[notice.pk]
    if found := obstacles(facts):
        raise NotTransferable(
            _(
                "Le dossier ne correspond plus au compte : %(reasons)s. Rappelez-le, puis relancez une campagne."
            )
            % {"reasons": explain(found)}
        )
    if kept := delay(facts, now=now):
        raise NotTransferable(
            _("Le dossier ne peut pas être remis pour l’instant : %(reason)s.")
            % {"reason": WAIT_LABELS[kept.wait]}
        )
    case.status, case.handed_over_on = Case.Status.HANDED_OVER, today
    case.save(update_fields=["status", "handed_over_on"])
    notice.status, notice.sent_on = Notice.Status.SENT, today
    notice.save(update_fields=["status", "sent_on"])
    audit.record(
        actor=actor,
        verb="dunning.case.handed_over",
        refs=[case, notice, f"customer:{case.customer_id}"],
        now=now,
        agency=case.agency.name,
    )
    return case


@operation("dunning.hand_over")
def recall_case(*, actor: Actor, case: Case, reason: str, today: date, now: datetime) -> Case:
    """Take a case back: its items are ours to chase again, from the step they stood at."""
    if not reason.strip():
        raise BusinessError(
            _("Dites pourquoi le dossier est rappelé."), code="reason_missing", field="reason"
        )
    return _take_back(actor, _locked(actor, case), reason.strip(), now)


def _take_back(actor: Actor, case: Case, reason: str, now: datetime) -> Case:
    check_move(case, Case.Status.RECALLED)
    case.status = Case.Status.RECALLED
    case.save(update_fields=["status"])
    case.items.update(is_live=False)
    case.notice.lines.update(in_force=False)
    if case.notice.status == Notice.Status.APPROVED:
        Notice.objects.filter(pk=case.notice_id).update(status=Notice.Status.HELD, reason=reason[:200])
    audit.record(
        actor=actor,
        verb="dunning.case.recalled",
        refs=[case, f"notice:{case.notice_id}", f"customer:{case.customer_id}"],
        now=now,
        reason=reason,
    )
    return case


def _locked(actor: Actor, case: Case) -> Case:
    return (
        Case.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("agency", "customer", "notice")
        .get(pk=case.pk)
    )
