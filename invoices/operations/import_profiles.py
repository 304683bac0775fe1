"""Sources of batches: how their files are read, and what is found suspicious in them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core import audit
from core.calendar import DateError, parse_french_date
from core.errors import BusinessError, WrongState
from core.models import User
from core.operation import operation
from core.rights import Actor
from customers.models import LegalEntity
from invoices.import_messages import column_label
from invoices.models import ImportBatch, ImportGuard, ImportProfile, OpenItem
from invoices.readers.columns import NAMES, missing_fields
from invoices.readers.profiles import checked_options
from invoices.readers.vocabulary import CURRENCIES, SKIP_WORDS

_TEXT = 120
_MOST_WORDS = 500
_KINDS = (*OpenItem.Kind.values, *sorted(set(SKIP_WORDS.values())))


class ProfileRefused(BusinessError):
    """This reading of a source cannot be saved; `field` names the input at fault."""

    code = "import_profile_refused"


class GuardRefused(BusinessError):
    """These bounds make no sense; `field` names the one at fault."""

    code = "import_guard_refused"


@operation("invoices.configure_import")
def save_profile(
    *,
    actor: Actor,
    entity: LegalEntity,
    name: str,
    columns: Mapping[str, str],
    constants: Mapping[str, str],
    options: Mapping[str, str],
    values: Mapping[str, Mapping[str, str]],
    mode: str,
    creates_customers: bool,
    now: datetime,
    profile: ImportProfile | None = None,
) -> ImportProfile:
    """Save how the files of a source of items are read: a new source, or `profile` changed.

    `columns`, `constants`, `options` and `values` as in `ImportProfile`. Raises ProfileRefused: a name that is
    taken, a field that does not exist, a column used twice, a required field without column or value; WrongState
    for an archived source.
    """
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise ProfileRefused(_("Cette entité juridique n’est pas dans votre périmètre."), code="not_in_scope")
    row = _locked(profile.pk, entity) if profile is not None else ImportProfile(legal_entity=entity)
    row.name = _checked_name(name, entity, row)
    row.columns, row.constants = _checked_columns(columns), _checked_constants(constants)
    row.values = _checked_values(values)
    _check_complete(row)
    try:
        row.options = checked_options(options)
    except ValueError as error:
        raise ProfileRefused(
            _("« %(value)s » n’est pas un choix de lecture possible.") % {"value": str(error)},
            field="options",
        ) from None
    if mode not in ImportBatch.Mode.values:
        raise ProfileRefused(_("Ce mode n’existe pas."), field="mode")
    row.mode, row.creates_customers = mode, creates_customers
    row.updated_at, row.updated_by = now, actor if isinstance(actor, User) else None
    row.save()
    audit.record(
        actor=actor,
        verb="invoices.import_profile.saved",
        refs=[row, entity],
        now=now,
        name=row.name,
        columns=row.columns,
        constants=row.constants,
        options=row.options,
        values=row.values,
        mode=mode,
        creates_customers=creates_customers,
    )
    return row


@operation("invoices.configure_import")
def archive_profile(*, actor: Actor, profile: ImportProfile, now: datetime) -> ImportProfile:
    """Propose a source no more; the batches read with it keep it. Raises WrongState when it is archived."""
    entity = profile.legal_entity
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise ProfileRefused(_("Cette entité juridique n’est pas dans votre périmètre."), code="not_in_scope")
    row = _locked(profile.pk, entity)
    row.is_archived, row.updated_at = True, now
    row.updated_by = actor if isinstance(actor, User) else None
    row.save(update_fields=["is_archived", "updated_at", "updated_by"])
    audit.record(
        actor=actor, verb="invoices.import_profile.archived", refs=[row, entity], now=now, name=row.name
    )
    return row


@operation("invoices.configure_guard")
def set_guard(
    *,
    actor: Actor,
    entity: LegalEntity,
    cleared_share: Decimal,
    amount_factor: int,
    volume_factor: int,
    second_person_amount: Decimal,
    now: datetime,
) -> ImportGuard:
    """Set what is suspicious in a batch of the entity; the batches read from now on are held to it.

    `cleared_share` in percent, `second_person_amount` in the entity's currency. Raises GuardRefused.
    """
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise GuardRefused(_("Cette entité juridique n’est pas dans votre périmètre."), code="not_in_scope")
    if not 0 <= cleared_share <= 100:
        raise GuardRefused(_("Indiquez une part entre 0 et 100 %."), field="cleared_share")
    for field, factor in (("amount_factor", amount_factor), ("volume_factor", volume_factor)):
        if not 2 <= factor <= 1_000:
            raise GuardRefused(_("Indiquez un facteur entre 2 et 1 000."), field=field)
    if second_person_amount < 0:
        raise GuardRefused(_("Indiquez un montant positif ou nul."), field="second_person_amount")
    guard, _is_new = ImportGuard.objects.select_for_update(of=("self",)).get_or_create(legal_entity=entity)
    guard.cleared_share, guard.amount_factor = cleared_share, amount_factor
    guard.volume_factor, guard.second_person_amount = volume_factor, second_person_amount
    guard.save()
    audit.record(
        actor=actor,
        verb="invoices.import_guard.set",
        refs=[entity],
        now=now,
        cleared_share=str(cleared_share),
        amount_factor=amount_factor,
        volume_factor=volume_factor,
        second_person_amount=str(second_person_amount),
    )
    return guard


def _locked(pk: int, entity: LegalEntity) -> ImportProfile:
    row = ImportProfile.objects.select_for_update(of=("self",)).filter(pk=pk, legal_entity=entity).first()
    if row is None:
        raise ProfileRefused(_("Cette source n’existe pas dans cette entité."), code="profile_unknown")
    if row.is_archived:
        raise WrongState(_("Cette source est archivée : enregistrez-en une nouvelle."), field="name")
    return row


def _checked_name(name: str, entity: LegalEntity, row: ImportProfile) -> str:
    name = " ".join(name.split())
    if not name:
        raise ProfileRefused(
            _("Donnez un nom à la source, par exemple « Export Sage des ventes »."), field="name"
        )
    if len(name) > 80 or not name.isprintable():
        raise ProfileRefused(_("Le nom compte 80 caractères au plus."), field="name")
    taken = ImportProfile.objects.filter(legal_entity=entity, name=name, is_archived=False).exclude(pk=row.pk)
    if taken.exists():
        raise ProfileRefused(
            _("Une source « %(name)s » existe déjà : choisissez un autre nom, ou modifiez-la.")
            % {"name": name},
            field="name",
            code="profile_name_taken",
        )
    return name


def _checked_columns(columns: Mapping[str, str]) -> dict[str, str]:
    checked: dict[str, str] = {}
    for field, header in columns.items():
        text = " ".join(str(header).split())[:_TEXT]
        if field not in NAMES or not text:
            raise ProfileRefused(
                _("« %(field)s » n’est pas une donnée que les lots contiennent.")
                % {"field": str(field)[:40]},
                field="columns",
            )
        if text in checked.values():
            raise ProfileRefused(
                _("La colonne « %(column)s » est choisie deux fois : une colonne ne tient qu’une donnée.")
                % {"column": text},
                field="columns",
            )
        checked[field] = text
    return checked


def _checked_constants(constants: Mapping[str, str]) -> dict[str, str]:
    checked = {}
    for field, value in constants.items():
        text = " ".join(str(value).split())[:_TEXT]
        if not text:
            continue
        wrong = (
            field not in NAMES
            or (field == "currency" and text.upper() not in CURRENCIES)
            or (field == "kind" and text not in OpenItem.Kind.values)
            or (field in ("issue_date", "due_date") and not _is_date(text))
        )
        if wrong:
            raise ProfileRefused(
                _("« %(value)s » ne convient pas à la donnée « %(field)s ».")
                % {"value": text, "field": column_label(field)},
                field="constants",
            )
        checked[field] = text.upper() if field == "currency" else text
    return checked


def _checked_values(values: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    checked: dict[str, dict[str, str]] = {}
    for field, words in values.items():
        kept = {
            " ".join(str(word).split())[:_TEXT]: str(value)[:_TEXT] for word, value in words.items() if value
        }
        if field not in NAMES or len(kept) > _MOST_WORDS:
            raise ProfileRefused(
                _("Trop de correspondances, ou pour une donnée qui n’existe pas."), field="values"
            )
        for value in kept.values():
            if field == "kind" and value not in _KINDS:
                raise ProfileRefused(
                    _("« %(value)s » n’est pas une nature de pièce.") % {"value": value}, field="values"
                )
        if kept:
            checked[field] = kept
    return checked


def _check_complete(row: ImportProfile) -> None:
    missing = missing_fields({*row.columns, *row.constants})
    if missing:
        raise ProfileRefused(
            _("Il manque une colonne pour : %(missing)s.")
            % {"missing": ", ".join(column_label(field) for field in missing)},
            field="columns",
            code="columns_missing",
        )


def _is_date(text: str) -> bool:
    try:
        parse_french_date(text)
    except DateError:
        return False
    return True
