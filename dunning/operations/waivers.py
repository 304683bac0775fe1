"""Giving up interest or indemnities on items, and taking that back. What was sent before stays said."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.legal import parameter, register
from core.legal_register import MissingLegalParameter
from core.models import User
from core.operation import operation
from core.rights import Actor
from dunning.fee_waivers import WAIVER_ALLOWED, Waived, is_allowed, waived_parts
from dunning.models import CaseItem, FeeWaiver, Notice, NoticeLine
from invoices.models import OpenItem

MOST_ITEMS = 500
_UNSENT = (Notice.Status.PROPOSED, Notice.Status.APPROVED, Notice.Status.RENDERED)
_NOT_SENT = (*_UNSENT, Notice.Status.SENDING, Notice.Status.FAILED)


class WaiverRefused(BusinessError):
    """The waiver cannot be granted or taken back so."""

    code = "waiver_refused"


@operation("dunning.waive")
def waive_fees(
    *,
    actor: Actor,
    item_ids: Sequence[int],
    part: str,
    reason: str,
    today: date,
    now: datetime,
    notice: Notice | None = None,
) -> list[FeeWaiver]:
    """Give up the interest, the indemnity or both of items, from today on, whatever they grow to.

    Relances of these items that claim what is given up and have not left are held: the next run proposes them anew.
    Raises WaiverRefused: waivers are not permitted, no reason, unknown item, nothing owed, waiver in force already,
    item with an agency, letter leaving at this moment.
    """
    if not isinstance(actor, User):
        raise WaiverRefused(_("Une remise est accordée par une personne."))
    _check_allowed(today)
    reason = _reason(reason)
    if part not in FeeWaiver.Part.values:
        raise WaiverRefused(_("Choisissez ce que vous remettez."), field="part")
    items = _locked_items(actor, item_ids)
    _check_free(items)
    waivers = FeeWaiver.objects.bulk_create(
        FeeWaiver(
            item=item, notice=notice, part=part, reason=reason, granted_by=actor, granted_on=today, created_at=now
        )
        for item in items
    )  # fmt: skip
    held = _hold_unsent(actor, items, part, now)
    audit.record_each(
        actor=actor,
        verb="dunning.fees.waived",
        events=(
            (
                [waiver, waiver.item, f"customer:{waiver.item.customer_id}"],
                {"number": waiver.item.number, "part": part, "reason": reason, "held_notices": held},
            )
            for waiver in waivers
        ),
        now=now,
    )
    return waivers


@operation("dunning.waive")
def waive_notice_fees(
    *, actor: Actor, notice_id: int, part: str, reason: str, today: date, now: datetime
) -> list[FeeWaiver]:
    """The same for every item of a relance that claims such a part. Raises WaiverRefused."""
    notice = Notice.objects.visible_to(actor).filter(pk=notice_id).first()
    if notice is None:
        raise WaiverRefused(_("Cette relance n’existe pas dans votre périmètre."), code="notice_unknown")
    if part not in FeeWaiver.Part.values:
        raise WaiverRefused(_("Choisissez ce que vous remettez."), field="part")
    parts = waived_parts(part)
    claimed = [
        line.item_id for line in notice.lines.filter(rank__gt=0).order_by("item_id") if _claims(line, parts)
    ]
    known = set(
        FeeWaiver.objects.filter(item__in=claimed, revoked_on__isnull=True).values_list("item", flat=True)
    )
    left = [item for item in claimed if item not in known]
    if not left:
        raise WaiverRefused(
            _("Cette relance ne réclame rien de tel, ou tout y est déjà remis."), field="part"
        )
    return waive_fees(
        actor=actor, item_ids=left, part=part, reason=reason, today=today, now=now, notice=notice
    )


@operation("dunning.waive")
def revoke_waiver(*, actor: Actor, waiver_id: int, reason: str, today: date, now: datetime) -> FeeWaiver:
    """Claim again, from today on, what was given up. Raises WaiverRefused: unknown, taken back already, no reason."""
    waiver = (
        FeeWaiver.objects.select_for_update(of=("self",))
        .select_related("item")
        .filter(pk=waiver_id, item__in=OpenItem.objects.visible_to(actor))
        .first()
    )
    if waiver is None:
        raise WaiverRefused(_("Cette remise n’existe pas dans votre périmètre."), code="waiver_unknown")
    if waiver.revoked_on is not None:
        raise WaiverRefused(_("Cette remise est déjà retirée : rechargez la page."), code="waiver_revoked")
    reason = _reason(reason)
    waiver.revoked_on, waiver.revoked_by = today, actor if isinstance(actor, User) else None
    waiver.save(update_fields=["revoked_on", "revoked_by"])
    audit.record(
        actor=actor,
        verb="dunning.fees.waiver_revoked",
        refs=[waiver, waiver.item, f"customer:{waiver.item.customer_id}"],
        now=now,
        number=waiver.item.number,
        part=waiver.part,
        reason=reason,
    )
    return waiver


def _check_allowed(today: date) -> None:
    """A bill would make waivers void: the registry says whether they are permitted."""
    try:
        if is_allowed(register(), today):
            return
        source = parameter(WAIVER_ALLOWED, today).source
    except MissingLegalParameter as error:
        raise WaiverRefused(str(error)) from error
    raise WaiverRefused(
        _("Les remises ne sont plus permises (%(source)s). Aucune n’est enregistrée.") % {"source": source},
        code="waiver_forbidden",
    )


def _reason(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise WaiverRefused(
            _("Dites pourquoi : le motif reste au dossier, et la loi peut en demander compte."),
            field="reason",
        )
    if len(text) > 200:
        raise WaiverRefused(_("Le motif tient en 200 caractères."), field="reason")
    return text


def _locked_items(actor: Actor, item_ids: Sequence[int]) -> list[OpenItem]:
    keys = sorted(set(item_ids))
    if not keys or len(keys) > MOST_ITEMS:
        raise WaiverRefused(
            _("Choisissez d’une à %(most)d pièces par remise.") % {"most": MOST_ITEMS}, code="item_count"
        )
    items = list(
        OpenItem.objects.visible_to(actor)
        .filter(pk__in=keys)
        .select_related("customer", "legal_entity")
        .order_by("pk")
        .select_for_update(of=("self",))
    )
    if len(items) != len(keys):
        raise WaiverRefused(_("Cette pièce n’existe pas dans votre périmètre."), code="item_unknown")
    for item in items:
        if item.total_amount <= 0:
            raise WaiverRefused(
                _("La pièce %(number)s ne porte pas de pénalités.") % {"number": item.number}, code="item_credit"
            )  # fmt: skip
    return items


def _check_free(items: Sequence[OpenItem]) -> None:
    """No waiver in force, no agency at work."""
    keys = [item.pk for item in items]
    _refuse_any(
        FeeWaiver.objects.filter(item__in=keys, revoked_on__isnull=True).values_list("item__number", flat=True),
        _("Une remise est déjà en vigueur sur %(numbers)s : retirez-la avant d’en accorder une autre."),
        "waiver_in_force",
    )  # fmt: skip
    _refuse_any(
        CaseItem.objects.filter(item__in=keys, is_live=True).values_list("item__number", flat=True),
        _("%(numbers)s est en recouvrement : rappelez le dossier avant d’accorder une remise."),
        "item_with_agency",
    )


def _refuse_any(numbers: Iterable[str], message: str, code: str) -> None:
    found = sorted(set(numbers))
    if found:
        shown = ", ".join(found[:3]) + ("…" if len(found) > 3 else "")
        raise WaiverRefused(message % {"numbers": shown}, code=code)


def _claims(line: NoticeLine, parts: frozenset[Waived]) -> bool:
    return bool(
        (Waived.INTEREST in parts and line.interest_amount)
        or (Waived.INDEMNITY in parts and line.indemnity_amount)
    )


def _hold_unsent(actor: Actor, items: Sequence[OpenItem], part: str, now: datetime) -> list[int]:
    """Hold what has not left and claims what is given up, and set aside what failed: their steps count no longer.

    Raises WaiverRefused when one of them is leaving at this moment.
    """
    parts = waived_parts(part)
    lines = NoticeLine.objects.filter(
        item__in=[item.pk for item in items], in_force=True, rank__gt=0, notice__status__in=_NOT_SENT
    ).select_related("item")
    claiming = [line for line in lines if _claims(line, parts)]
    notices = {
        notice.pk: notice
        for notice in Notice.objects.filter(
            pk__in={line.notice_id for line in claiming}, status__in=_NOT_SENT
        )
        .order_by("pk")
        .select_for_update(of=("self",))
    }
    # Looked at under their locks: none begins to leave meanwhile.
    _refuse_any(
        (
            line.item.number
            for line in claiming
            if line.notice_id in notices and notices[line.notice_id].status == Notice.Status.SENDING
        ),
        _("Une relance de %(numbers)s part en ce moment : réessayez dans un instant."),
        "notice_leaving",
    )
    reason = _("pénalités ou indemnité remises depuis la préparation")
    for status, verb, moved in (
        (Notice.Status.HELD, "dunning.notice.held", [n for n in notices.values() if n.status in _UNSENT]),
        (
            Notice.Status.REJECTED,
            "dunning.notice.rejected",
            [n for n in notices.values() if n.status == Notice.Status.FAILED],
        ),
    ):
        keys = [notice.pk for notice in moved]
        Notice.objects.filter(pk__in=keys).update(
            status=status, reason=reason, not_before=None, wait_reason=""
        )
        NoticeLine.objects.filter(notice__in=keys).update(in_force=False)
        audit.record_each(
            actor=actor,
            verb=verb,
            events=(([notice, f"customer:{notice.customer_id}"], {"reason": reason}) for notice in moved),
            now=now,
        )
    return sorted(notices)
