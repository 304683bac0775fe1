"""The only writer of allowances: method, individual assessments, drafts and closings."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.files import store_file
from core.operation import operation
from core.rights import SYSTEM, Actor
from core.states import check_move
from customers.models import Customer, LegalEntity
from invoices.models import OpenItem
from risk.models import IndividualAssessment, ProvisionMethod, ProvisionRun
from risk.operations.provision_lines import write_lines
from risk.provision_entries import write_entries
from risk.provision_rules import BUCKET_COUNT, RatesMissing
from risk.provision_words import bucket_labels

FILE_KIND = "risk.provision_entries"
METHOD_FIELDS = (
    "grouping", "base", "window_months", "loss_after_days", "minimum_count", "entered_rates", "insolvency_rate",
    "doubtful_account", "allowance_account", "charge_account", "reversal_account",
)  # fmt: skip


class ProvisionRefused(BusinessError):
    """The allowance cannot be written so; `field` names the input at fault."""

    code = "provision_refused"


def method_of(entity: LegalEntity) -> ProvisionMethod:
    """The entity's method; the house's default where none was set."""
    return ProvisionMethod.objects.filter(legal_entity=entity).first() or ProvisionMethod(legal_entity=entity)


@operation("risk.provision")
def set_provision_method(
    *, actor: Actor, entity: LegalEntity, values: Mapping[str, Any], now: datetime
) -> ProvisionMethod:
    """Set how the entity estimates its losses, for the drafts to come. Raises ProvisionRefused."""
    _check_entity(actor, entity)
    method, _created = ProvisionMethod.objects.select_for_update(of=("self",)).get_or_create(
        legal_entity=entity
    )
    changed = {}
    for name in METHOD_FIELDS:
        if name in values and getattr(method, name) != values[name]:
            changed[name] = [str(getattr(method, name)), str(values[name])]
            setattr(method, name, values[name])
    for bucket, rate in method.entered_rates.items():
        if int(bucket) not in range(BUCKET_COUNT) or not 0 <= Decimal(rate) <= 1:
            raise ProvisionRefused(_("Un taux est compris entre 0 et 100 %."), field="entered_rates")
    if changed:
        method.save()
        audit.record(actor=actor, verb="risk.provision_method.set", refs=[entity], now=now, changed=changed)
    return method


@operation("risk.provision")
def assess_debt(
    *,
    actor: Actor,
    customer: Customer,
    cause: str,
    rate: Decimal,
    evidence: str,
    today: date,
    now: datetime,
    item: OpenItem | None = None,
    valid_from: date | None = None,
) -> IndividualAssessment:
    """Assess a debt, or all debts of a customer, apart from the matrix; the assessment before it ends.

    `rate` is the expected loss (a ratio), `evidence` what shows it: the State admits an allowance only where the risk is
    precise and shown (CGI 39, 1-5°). Raises ProvisionRefused, at the field.
    """
    if not Customer.objects.visible_to(actor).filter(pk=customer.pk).exists():
        raise ProvisionRefused(_("Ce client n’est pas dans votre périmètre."), code="customer_unknown")
    start = valid_from or today
    if item is not None and item.customer_id != customer.pk:
        raise ProvisionRefused(_("Cette pièce est celle d’un autre client."), field="item")
    if item is not None and item.total_amount <= 0:
        raise ProvisionRefused(_("On ne déprécie que ce qui est dû : choisissez une facture."), field="item")
    if start > today:
        raise ProvisionRefused(_("Cette date est dans le futur."), field="valid_from")
    if cause not in IndividualAssessment.Cause.values:
        raise ProvisionRefused(_("Choisissez une cause."), field="cause")
    if not rate.is_finite() or not 0 <= rate <= 1:
        raise ProvisionRefused(_("La perte attendue est comprise entre 0 et 100 %."), field="rate")
    if not evidence.strip():
        raise ProvisionRefused(
            _("Écrivez ce qui montre ce risque : jugement, courrier, impayé, expertise."), field="evidence"
        )
    # The customer's row is the lock: two people assessing the same debt come one after the other.
    Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
    live = IndividualAssessment.objects.filter(customer=customer, item=item, ended_on__isnull=True)
    for earlier in live:
        if earlier.valid_from > start:
            raise ProvisionRefused(
                _("Une évaluation plus récente existe déjà, du %(day)s.")
                % {"day": f"{earlier.valid_from:%d/%m/%Y}"},
                field="valid_from",
            )
        earlier.ended_on = start
        earlier.save(update_fields=["ended_on"])
    assessment = IndividualAssessment.objects.create(
        customer=customer,
        item=item,
        cause=cause,
        rate=rate,
        evidence=evidence.strip(),
        valid_from=start,
        assessed_by_id=actor.pk,
        created_at=now,
    )
    audit.record(
        actor=actor,
        verb="risk.debt.assessed",
        refs=[customer, *([item] if item else [])],
        now=now,
        name=str(item or customer),
        cause=cause,
        rate=str(rate),
        evidence=assessment.evidence,
    )
    return assessment


@operation("risk.provision")
def end_assessment(
    *, actor: Actor, assessment: IndividualAssessment, reason: str, today: date, now: datetime
) -> IndividualAssessment:
    """The debt goes back to the matrix from today on. Raises ProvisionRefused."""
    assessment = IndividualAssessment.objects.select_for_update(of=("self",)).get(pk=assessment.pk)
    if not Customer.objects.visible_to(actor).filter(pk=assessment.customer_id).exists():
        raise ProvisionRefused(_("Ce client n’est pas dans votre périmètre."), code="customer_unknown")
    if assessment.ended_on is not None:
        raise ProvisionRefused(_("Cette évaluation a déjà pris fin."), code="already_ended")
    if not reason.strip():
        raise ProvisionRefused(_("Écrivez pourquoi cette évaluation prend fin."), field="reason")
    assessment.ended_on = max(today, assessment.valid_from)
    assessment.save(update_fields=["ended_on"])
    audit.record(
        actor=actor,
        verb="risk.debt.assessment_ended",
        refs=[assessment.customer, *([assessment.item] if assessment.item else [])],
        now=now,
        name=str(assessment.item or assessment.customer),
        reason=reason.strip(),
    )
    return assessment


@operation("risk.provision")
def request_provision(
    *,
    actor: Actor,
    entity: LegalEntity,
    as_of: date,
    today: date,
    now: datetime,
    outlook_factor: Decimal = Decimal(1),
    outlook_reason: str = "",
) -> ProvisionRun:
    """Ask for the allowance as of a day; a worker computes it. One that waits for the same day is given back.

    Raises ProvisionRefused for a day to come, one already closed, or an outlook without its reason.
    """
    _check_entity(actor, entity)
    if as_of > today:
        raise ProvisionRefused(_("Cette date est dans le futur."), field="as_of")
    if not outlook_factor.is_finite() or not Decimal("0.5") <= outlook_factor <= 5:
        raise ProvisionRefused(_("Le coefficient va de 0,5 à 5."), field="outlook_factor")
    if outlook_factor != 1 and not outlook_reason.strip():
        raise ProvisionRefused(
            _("Écrivez ce qui justifie ce coefficient : la norme le demande."), field="outlook_reason"
        )
    LegalEntity.objects.select_for_update(of=("self",)).get(pk=entity.pk)
    runs = ProvisionRun.objects.filter(legal_entity=entity)
    if runs.filter(status=ProvisionRun.Status.CLOSED, as_of__gte=as_of).exists():
        raise ProvisionRefused(
            _("Une dépréciation est déjà arrêtée à cette date ou après : choisissez un jour postérieur."),
            field="as_of",
        )
    waiting = runs.filter(
        status=ProvisionRun.Status.REQUESTED, as_of=as_of, outlook_factor=outlook_factor
    ).first()
    if waiting is not None:
        return waiting
    run = ProvisionRun.objects.create(
        legal_entity=entity,
        as_of=as_of,
        outlook_factor=outlook_factor,
        outlook_reason=outlook_reason.strip(),
        requested_by=None if actor is SYSTEM else actor,  # type: ignore[misc]
        requested_at=now,
    )
    audit.record(
        actor=actor, verb="risk.provision.requested", refs=[run, entity], now=now, as_of=as_of.isoformat()
    )
    return run


@operation("risk.provision")
def compute_provision(*, actor: Actor, run: ProvisionRun, now: datetime) -> ProvisionRun:
    """Write the lines of a requested allowance, its matrix, totals and movements since the last closing.

    What is missing in the method makes it FAILED, with the words that say what to enter.
    """
    run = ProvisionRun.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=run.pk)
    if run.status != ProvisionRun.Status.REQUESTED:
        return run
    run.previous = (
        ProvisionRun.objects.filter(
            legal_entity=run.legal_entity, status=ProvisionRun.Status.CLOSED, as_of__lt=run.as_of
        )
        .order_by("-as_of")
        .first()
    )
    method = method_of(run.legal_entity)
    run.method = {name: str(getattr(method, name)) for name in METHOD_FIELDS if name != "entered_rates"}
    run.method["entered_rates"] = method.entered_rates
    try:
        run.matrix, run.totals = write_lines(run, method)
        run.status = ProvisionRun.Status.DRAFT
    except RatesMissing as missing:
        labels = bucket_labels()
        run.status, run.error = (
            ProvisionRun.Status.FAILED,
            _(
                "L’historique ne montre pas assez pour ces tranches : %(buckets)s. Saisissez leurs taux dans la méthode, "
                "puis relancez."
            )
            % {"buckets": ", ".join(str(labels[bucket]) for bucket in missing.buckets)},
        )
    run.computed_at = now
    run.save(update_fields=["previous", "method", "matrix", "totals", "status", "error", "computed_at"])
    audit.record(
        actor=actor,
        verb="risk.provision.computed",
        refs=[run, run.legal_entity],
        now=now,
        as_of=run.as_of.isoformat(),
        status=run.status,
        totals=[{"currency": row["currency"], "allowance": row["allowance"]} for row in run.totals],
    )
    return run


@operation("risk.provision")
def fail_provision(*, actor: Actor, run: ProvisionRun, error: str, now: datetime) -> None:
    """Keep why it could not be computed; it can be asked for again."""
    waiting = ProvisionRun.objects.filter(pk=run.pk, status=ProvisionRun.Status.REQUESTED)
    if waiting.update(status=ProvisionRun.Status.FAILED, error=error[:1000], computed_at=now):
        audit.record(actor=actor, verb="risk.provision.computed", refs=[run], now=now, error=error[:1000])


@operation("risk.provision")
def discard_provision(*, actor: Actor, run: ProvisionRun, now: datetime) -> ProvisionRun:
    """Give up a draft; its lines go. Raises WrongState for a closed one."""
    run = _locked(actor, run)
    check_move(run, ProvisionRun.Status.DISCARDED)
    run.status = ProvisionRun.Status.DISCARDED
    run.save(update_fields=["status"])
    run.lines.all()._raw_delete(run.lines.db)
    audit.record(
        actor=actor, verb="risk.provision.discarded", refs=[run, run.legal_entity], now=now, name=str(run)
    )
    return run


@operation("risk.close_provision")
def close_provision(*, actor: Actor, run: ProvisionRun, now: datetime) -> ProvisionRun:
    """Close a draft: frozen for ever, with the file of its entries. Never by the person who prepared it.

    Raises ProvisionRefused, WrongState.
    """
    run = _locked(actor, run)
    check_move(run, ProvisionRun.Status.CLOSED)
    if run.requested_by_id is not None and run.requested_by_id == actor.pk:
        raise ProvisionRefused(
            _("Vous avez préparé cette dépréciation : une autre personne l’arrête."), code="four_eyes"
        )
    later = Q(status=ProvisionRun.Status.CLOSED, as_of__gte=run.as_of)
    if ProvisionRun.objects.filter(later, legal_entity=run.legal_entity).exists():
        raise ProvisionRefused(
            _("Une dépréciation a été arrêtée entre-temps à cette date ou après : recalculez ce projet."),
            code="closed_meanwhile",
        )
    last = ProvisionRun.objects.filter(
        legal_entity=run.legal_entity, status=ProvisionRun.Status.CLOSED
    ).order_by("-as_of")
    if last.values_list("pk", flat=True).first() != run.previous_id:
        raise ProvisionRefused(
            _("Une dépréciation antérieure a été arrêtée entre-temps : recalculez ce projet."),
            code="closed_meanwhile",
        )
    with TemporaryFile() as stream:
        write_entries(run, stream)
        run.entries = store_file(
            content=stream,  # type: ignore[arg-type]
            name=f"{run.legal_entity.siren or run.legal_entity.code}-depreciations-{run.as_of:%Y%m%d}.csv",
            kind=FILE_KIND,
            content_type="text/csv; charset=utf-8",
            now=now,
        )
    run.status, run.closed_by_id, run.closed_at = ProvisionRun.Status.CLOSED, actor.pk, now
    run.save(update_fields=["entries", "status", "closed_by", "closed_at"])
    audit.record(
        actor=actor,
        verb="risk.provision.closed",
        refs=[run, run.legal_entity],
        now=now,
        name=str(run),
        as_of=run.as_of.isoformat(),
        totals=[{"currency": row["currency"], "allowance": row["allowance"]} for row in run.totals],
        sha256=run.entries.sha256,
    )
    return run


def _locked(actor: Actor, run: ProvisionRun) -> ProvisionRun:
    LegalEntity.objects.select_for_update(of=("self",)).get(pk=run.legal_entity_id)
    found = ProvisionRun.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=run.pk)
    _check_entity(actor, found.legal_entity)
    return found


def _check_entity(actor: Actor, entity: LegalEntity) -> None:
    if not LegalEntity.objects.wholly_visible_to(actor).filter(pk=entity.pk).exists():
        raise ProvisionRefused(_("Cette entité n’est pas entière dans votre périmètre."), field="entity")
