"""Writing the registry of legal values: loading what the product ships, entering and confirming values."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError
from core.legal_register import FORMS, RATE_SERIES, LegalValue, label_of
from core.models import AuditEvent, LegalParameter
from core.operation import operation
from core.rights import Actor

LOADED = "core.legal_parameters.loaded"
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
_FIELDS = (
    "key",
    "value",
    "valid_from",
    "valid_to",
    "source",
    "checked_on",
    "confirmed",
)


class LegalParameterError(BusinessError):
    """The value entered is incomplete or contradicts another period."""

    code = "legal_parameter_refused"


@dataclass(frozen=True)
class LoadResult:
    """What a load did; `kept` rows differ from the shipped ones because somebody changed them here."""

    created: int
    updated: int
    unchanged: int
    kept: int


@operation("core.manage_legal_parameters")
def load_legal_parameters(*, actor: Actor, values: Iterable[LegalValue]) -> LoadResult:
    """Bring the registry up to the shipped values, by key and first day; run twice, it changes nothing.

    A row that somebody confirmed or changed here is never overwritten: only a row that is still exactly as
    an earlier load left it follows the shipped file. The digests of what a load wrote stand in its audit event.
    """
    shipped = {(value.key, value.valid_from): value for value in values}
    rows = {
        (row.key, row.valid_from): row
        for row in LegalParameter.objects.select_for_update().filter(key__in={key for key, _from in shipped})
    }
    digests = _digests_of_earlier_loads()
    new, changed, kept = [], [], 0
    for identity, value in shipped.items():
        row = rows.get(identity)
        if row is None:
            new.append(LegalParameter(**{field: getattr(value, field) for field in _FIELDS}))
        elif _digest(row) != _digest(value):
            if _digest(row) != digests.get(_name(row)):
                kept += 1
                continue
            for field in _FIELDS:
                setattr(row, field, getattr(value, field))
            changed.append(row)
    LegalParameter.objects.bulk_create(new)
    LegalParameter.objects.bulk_update(
        changed, [field for field in _FIELDS if field not in ("key", "valid_from")]
    )
    if new or changed:
        audit.record(
            actor=actor,
            verb=LOADED,
            refs=[audit.ref(row) for row in [*new, *changed]],
            created=len(new),
            updated=len(changed),
            kept=kept,
            digests={_name(row): _digest(row) for row in [*new, *changed]},
        )
    return LoadResult(len(new), len(changed), len(shipped) - len(new) - len(changed) - kept, kept)


@operation("core.manage_legal_parameters")
def enter_legal_parameter(
    *,
    actor: Actor,
    key: str,
    value: str,
    valid_from: date,
    valid_to: date | None,
    source: str,
    today: date,
    confirmed: bool,
) -> LegalParameter:
    """Add the value of a new period; the period in force until then ends on the eve of `valid_from`.

    Raises LegalParameterError when the period overlaps another one, a rate has no last day, or the source
    is missing.
    """
    if not source.strip():
        raise LegalParameterError(
            _("Indiquez la source : le texte et l’article, ou la publication."),
            field="source",
        )
    same_key = LegalParameter.objects.select_for_update().filter(key=key)
    written = _checked_value(key, value, like=same_key.order_by("-valid_from").first())
    if valid_to is None and key in RATE_SERIES:
        raise LegalParameterError(
            _("Un taux semestriel a un dernier jour : 30 juin ou 31 décembre."),
            field="valid_to",
        )
    if valid_to is not None and valid_to < valid_from:
        raise LegalParameterError(_("La période finit avant d’avoir commencé."), field="valid_to")
    current = same_key.filter(valid_from__lt=valid_from, valid_to__isnull=True).first()
    overlap = same_key.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=valid_from))
    if valid_to is not None:
        overlap = overlap.filter(valid_from__lte=valid_to)
    if current is not None:
        overlap = overlap.exclude(pk=current.pk)
    if overlap.exists():
        raise LegalParameterError(
            _("%(label)s : cette période recouvre une période déjà saisie.") % {"label": label_of(key)},
            field="valid_from",
        )
    if current is not None:
        current.valid_to = date.fromordinal(valid_from.toordinal() - 1)
        current.save(update_fields=["valid_to"])
    row = LegalParameter.objects.create(
        key=key,
        value=written,
        valid_from=valid_from,
        valid_to=valid_to,
        source=source.strip(),
        checked_on=today,
        confirmed=confirmed,
    )
    audit.record(
        actor=actor,
        verb="core.legal_parameter.entered",
        refs=[row],
        key=key,
        value=row.value,
        valid_from=valid_from.isoformat(),
        source=row.source,
    )
    return row


@operation("core.manage_legal_parameters")
def confirm_legal_parameter(
    *, actor: Actor, parameter_id: int, value: str, source: str, today: date
) -> LegalParameter:
    """State that a value was read in its primary source, correcting it if need be."""
    row = LegalParameter.objects.select_for_update().get(pk=parameter_id)
    if not source.strip():
        raise LegalParameterError(
            _("Indiquez la source : le texte et l’article, ou la publication."),
            field="source",
        )
    previous = row.value
    row.value = _checked_value(row.key, value, like=row)
    row.source, row.checked_on, row.confirmed = source.strip(), today, True
    row.save(update_fields=["value", "source", "checked_on", "confirmed"])
    audit.record(
        actor=actor,
        verb="core.legal_parameter.confirmed",
        refs=[row],
        key=row.key,
        previous_value=previous,
        value=row.value,
        source=row.source,
    )
    return row


def _checked_value(key: str, value: str, *, like: LegalParameter | None) -> str:
    """The value as it is stored; a number where the key holds numbers, with a decimal point."""
    written = value.strip()
    if key in RATE_SERIES or (like is not None and _NUMBER.fullmatch(like.value)):
        written = written.replace(",", ".")
        if not _NUMBER.fullmatch(written):
            raise LegalParameterError(_("Un nombre est attendu, par exemple 2,40."), field="value")
    if not written:
        raise LegalParameterError(_("Indiquez la valeur."), field="value")
    form, example = FORMS.get(key, (".*", ""))
    if not re.fullmatch(form, written):
        raise LegalParameterError(
            _("Cette valeur ne se lit pas. Écrivez par exemple : %(example)s") % {"example": example},
            field="value",
        )
    return written


def _name(row: LegalParameter | LegalValue) -> str:
    return f"{row.key}@{row.valid_from:%Y-%m-%d}"


def _digest(row: LegalParameter | LegalValue) -> str:
    return hashlib.sha256("\x1f".join(str(getattr(row, field)) for field in _FIELDS).encode()).hexdigest()[
        :16
    ]


def _digests_of_earlier_loads() -> dict[str, str]:
    digests: dict[str, str] = {}
    for data in AuditEvent.objects.filter(verb=LOADED).order_by("id").values_list("data", flat=True):
        digests.update(data.get("digests", {}))
    return digests
