"""The levels of a draft, one form at a time beside the ladder."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.errors import BusinessError
from core.forms import show_refusal
from core.rights import has_permission, permission_required, signed_in
from dunning.call_words import example, insertions, script_faults, spoken
from dunning.forms_policies import LevelForm
from dunning.models import Level, Policy
from dunning.operations.policy_drafts import ChangedMeanwhile, FaultyLadder
from dunning.operations.policy_levels import add_level, move_level, remove_level, save_level
from dunning.policy_content import fingerprint, ladder_of, levels_of
from dunning.policy_rules import check_ladder
from dunning.views.ladder import show_faults
from dunning.views.policies import MANAGE, detail_page, visible_policy

MOST_SCRIPT = 4_000


@require_GET
@permission_required("dunning.view")
def policy_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One version: its ladder, whom it takes, how it writes, its history; a draft's levels are edited here."""
    policy = visible_policy(request, pk)
    return detail_page(request, policy, panel=level_panel(request, policy))


def level_panel(request: HttpRequest, policy: Policy) -> dict[str, Any] | None:
    """The form that the address asks for: `?niveau=2` changes a level, `?ajouter=3` puts one at that rank."""
    if policy.status != Policy.Status.DRAFT or not has_permission(request.user, MANAGE):
        return None
    levels = levels_of(policy)
    rank = _number(request.GET.get("niveau"))
    level = next((level for level in levels if level.rank == rank), None)
    if level is not None:
        form = LevelForm(instance=level)
        faults = [fault for fault in check_ladder(ladder_of(policy)) if fault.rank == rank]
        return _panel(policy, form, rank=level.rank, is_new=False, faults=faults)
    rank = _number(request.GET.get("ajouter"))
    if rank is not None and 1 <= rank <= len(levels) + 1:
        return _panel(policy, LevelForm(instance=_proposed(policy, levels, rank)), rank=rank, is_new=True)
    return None


@require_POST
@permission_required(MANAGE)
def script_check(request: HttpRequest) -> HttpResponse:
    """The script that is being written, as it would be read out; nothing is kept."""
    return render(
        request, "dunning/script_spoken.html", {"spoken": _read_out(request.POST.get("call_script", ""))}
    )


def _read_out(script: str) -> dict[str, Any]:
    script = script.replace("\r\n", "\n")[:MOST_SCRIPT]
    faults = [_("Ligne %(fault)s") % {"fault": fault} for fault in script_faults(script)[:5]]
    return {"faults": faults, "paragraphs": [] if faults else spoken(script, *example())}


@require_POST
@permission_required(MANAGE)
def level_add(request: HttpRequest, pk: int, rank: int) -> HttpResponse:
    """Put a level at a rank."""
    return _write(request, pk, rank, add_level, is_new=True)


@require_POST
@permission_required(MANAGE)
def level_save(request: HttpRequest, pk: int, rank: int) -> HttpResponse:
    """Change the level at a rank."""
    return _write(request, pk, rank, save_level, is_new=False)


@require_POST
@permission_required(MANAGE)
def level_remove(request: HttpRequest, pk: int, rank: int) -> HttpResponse:
    """Take the level at a rank away."""
    policy = visible_policy(request, pk)
    return _done(
        request,
        policy,
        lambda: remove_level(
            actor=signed_in(request),
            policy_id=pk,
            rank=rank,
            seen=request.POST.get("seen", ""),
            now=clock.now(),
        ),
    )


@require_POST
@permission_required(MANAGE)
def level_move(request: HttpRequest, pk: int, rank: int) -> HttpResponse:
    """Put the level at a rank one higher or lower."""
    policy = visible_policy(request, pk)
    to_rank = rank - 1 if request.POST.get("to") == "up" else rank + 1
    return _done(
        request,
        policy,
        lambda: move_level(
            actor=signed_in(request),
            policy_id=pk,
            rank=rank,
            to_rank=to_rank,
            seen=request.POST.get("seen", ""),
            now=clock.now(),
        ),
    )


def _write(
    request: HttpRequest, pk: int, rank: int, operation: Callable[..., Policy], *, is_new: bool
) -> HttpResponse:
    policy = visible_policy(request, pk)
    form = LevelForm(request.POST)
    seen, changes = request.POST.get("seen", ""), []
    if form.is_valid():
        try:
            operation(
                actor=signed_in(request),
                policy_id=pk,
                rank=rank,
                seen=seen,
                values=form.cleaned_data,
                now=clock.now(),
            )
        except ChangedMeanwhile as error:
            seen, changes = error.seen, error.changes
            form.add_error(None, str(error))
        except FaultyLadder as error:
            show_faults(form, [fault for fault in error.faults if fault.rank in (rank, None)] or error.faults)
        except BusinessError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Niveau %(rank)s enregistré.") % {"rank": rank})
            return redirect("dunning:policy-detail", pk=pk)
    panel = _panel(policy, form, rank=rank, is_new=is_new, seen=seen, changes=changes)
    return detail_page(request, policy, panel=panel, status=400)


def _done(request: HttpRequest, policy: Policy, write: Callable[[], Policy]) -> HttpResponse:
    try:
        write()
    except ChangedMeanwhile as error:
        told = " ".join([_("Ce brouillon a été modifié entre-temps, rien n’a été fait."), *error.changes])
        messages.error(request, told)
    except BusinessError as error:
        messages.error(request, str(error))
    return redirect("dunning:policy-detail", pk=policy.pk)


def _panel(
    policy: Policy,
    form: LevelForm,
    *,
    rank: int,
    is_new: bool,
    seen: str = "",
    changes: list[str] | None = None,
    faults: Any = (),
) -> dict[str, Any]:
    route = "dunning:level-add" if is_new else "dunning:level-save"
    elsewhere = [fault for fault in faults if fault.field not in form.fields]
    by_field = {fault.field: fault.sentence for fault in faults}
    sections = form.sections()
    for section in sections:
        section["fields"] = [(bound, by_field.get(bound.name, "")) for bound in section["fields"]]
    return {
        "form": form,
        "sections": sections,
        "rank": rank,
        "is_new": is_new,
        "url": reverse(route, args=[policy.pk, rank]),
        "seen": seen or fingerprint(policy),
        "changes": changes or [],
        "faults": elsewhere,
        "insertions": insertions(),
        "spoken": _read_out(str(form["call_script"].value() or "")),
    }


def _proposed(policy: Policy, levels: list[Level], rank: int) -> Level:
    """What the form of a new level starts from: between its neighbours."""
    before = levels[rank - 2] if rank > 1 else None
    after = levels[rank - 1] if rank <= len(levels) else None
    if before is None:
        return Level(
            policy=policy,
            kind=Level.Kind.REMINDER if after is None else after.kind,
            channel=Level.Channel.EMAIL,
            delay_days=5 if after is None else after.delay_days,
        )
    days = before.delay_days + 10 if after is None else (before.delay_days + after.delay_days) // 2
    return Level(
        policy=policy,
        kind=Level.Kind.REMINDER if before.kind == Level.Kind.PRE_REMINDER else before.kind,
        channel=Level.Channel.EMAIL,
        tone=before.tone,
        delay_days=max(days, 1) if before.kind != Level.Kind.PRE_REMINDER or after is None else days,
        gap_days=before.gap_days,
        claims_interest=before.claims_interest,
        claims_indemnity=before.claims_indemnity,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else None
