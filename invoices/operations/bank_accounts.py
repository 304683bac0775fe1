"""The accounts on which legal entities are paid."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from core import audit
from core.errors import BusinessError, WrongState
from core.operation import operation
from core.rights import Actor
from customers.identifiers import IdentifierError, clean_bic, clean_iban, compact
from customers.models import CURRENCY, LegalEntity
from invoices.models import BankAccount, BankFile, BankStatement

_FIELDS = (
    "name",
    "iban",
    "bic",
    "other_identification",
    "currency",
    "gl_account",
    "journal_code",
    "is_active",
)


class BankAccountRefused(BusinessError):
    """What was entered is no account of the entity; `field` names the input at fault."""

    code = "bank_account_refused"


class NotInScope(BusinessError):
    """The legal entity or the account is not in the actor's scope."""

    code = "not_in_scope"


@operation("invoices.configure_cash")
def create_bank_account(
    *,
    actor: Actor,
    entity: LegalEntity,
    name: str,
    iban: str,
    now: datetime,
    bic: str = "",
    other_identification: str = "",
    currency: str = "",
    gl_account: str = "512000",
    journal_code: str = "BQ1",
) -> BankAccount:
    """Open an account of a legal entity; its statements can then be taken in. Raises BankAccountRefused, NotInScope."""
    if not LegalEntity.objects.visible_to(actor).filter(pk=entity.pk).exists():
        raise NotInScope(_("Cette entité juridique n’est pas dans votre périmètre."), field="entity")
    account = BankAccount(legal_entity=entity)
    _fill(
        account, name, iban, bic, other_identification, currency or entity.currency, gl_account, journal_code
    )
    account.save()
    audit.record(
        actor=actor, verb="invoices.bank_account.created", refs=[account, entity], now=now, **_values(account)
    )
    return account


@operation("invoices.configure_cash")
def change_bank_account(
    *,
    actor: Actor,
    account: BankAccount,
    name: str,
    iban: str,
    now: datetime,
    bic: str = "",
    other_identification: str = "",
    currency: str,
    gl_account: str,
    journal_code: str,
) -> BankAccount:
    """Correct an account. Once statements are accepted, its IBAN and currency stand. Raises BankAccountRefused."""
    locked = _lock(actor, account)
    before = _values(locked)
    _fill(locked, name, iban, bic, other_identification, currency, gl_account, journal_code)
    after = _values(locked)
    if after == before:
        return locked
    for field, said in (("iban", _("l’IBAN")), ("currency", _("la devise"))):
        if after[field] != before[field] and _has_statements(locked):
            raise BankAccountRefused(
                _(
                    "Des relevés sont enregistrés sur ce compte : %(field)s ne se change plus. Créez un autre compte."
                )
                % {"field": said},
                field=field,
            )
    locked.save()
    audit.record(
        actor=actor,
        verb="invoices.bank_account.changed",
        refs=[locked, locked.legal_entity],
        now=now,
        before={name: before[name] for name in _FIELDS if before[name] != after[name]},
        after={name: after[name] for name in _FIELDS if before[name] != after[name]},
    )
    return locked


@operation("invoices.configure_cash")
def archive_bank_account(*, actor: Actor, account: BankAccount, now: datetime) -> BankAccount:
    """Close an account for new statements; what it holds stays. Raises WrongState while a file waits for it."""
    locked = _lock(actor, account)
    if not locked.is_active:
        raise WrongState(_("Ce compte est déjà archivé."))
    waiting = BankStatement.objects.filter(
        bank_account=locked,
        status=BankStatement.Status.PREVIEWED,
        bank_file__status=BankFile.Status.PREVIEWED,
    ).select_related("bank_file__file")
    first = waiting.first()
    if first is not None:
        raise WrongState(
            _(
                "Le fichier « %(file)s » attend d’être enregistré sur ce compte. Enregistrez-le ou abandonnez-le d’abord."
            )
            % {"file": first.bank_file}
        )
    return _switch(actor, locked, False, "invoices.bank_account.archived", now)


@operation("invoices.configure_cash")
def reopen_bank_account(*, actor: Actor, account: BankAccount, now: datetime) -> BankAccount:
    """Take statements of an archived account again."""
    locked = _lock(actor, account)
    if locked.is_active:
        raise WrongState(_("Ce compte est déjà actif."))
    return _switch(actor, locked, True, "invoices.bank_account.reopened", now)


def _switch(actor: Actor, account: BankAccount, is_active: bool, verb: str, now: datetime) -> BankAccount:
    account.is_active = is_active
    account.save(update_fields=["is_active"])
    audit.record(actor=actor, verb=verb, refs=[account, account.legal_entity], now=now)
    return account


def _lock(actor: Actor, account: BankAccount) -> BankAccount:
    found = (
        BankAccount.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("legal_entity")
        .filter(pk=account.pk)
        .first()
    )
    if found is None:
        raise NotInScope(_("Ce compte bancaire n’est pas dans votre périmètre."))
    return found


def _fill(
    account: BankAccount,
    name: str,
    iban: str,
    bic: str,
    other_identification: str,
    currency: str,
    gl_account: str,
    journal_code: str,
) -> None:
    account.name = _text(name, "name", 80, _("Donnez un nom au compte, par exemple « BNP courant »."))
    try:
        account.iban = clean_iban(iban)
    except IdentifierError as error:
        raise BankAccountRefused(str(error), field="iban") from None
    try:
        account.bic = clean_bic(bic) if bic.strip() else ""
    except IdentifierError as error:
        raise BankAccountRefused(str(error), field="bic") from None
    account.currency = currency.strip().upper()
    try:
        CURRENCY(account.currency)
    except ValidationError as error:
        raise BankAccountRefused(error.messages[0], field="currency") from None
    account.other_identification = _text(other_identification, "other_identification", 60)
    account.gl_account = _text(
        gl_account, "gl_account", 20, _("Donnez le compte comptable de la banque, par exemple 512000.")
    )
    account.journal_code = _text(
        journal_code, "journal_code", 10, _("Donnez le code du journal de banque, par exemple BQ1.")
    )
    if BankAccount.objects.filter(iban=account.iban).exclude(pk=account.pk).exists():
        raise BankAccountRefused(
            _("Un compte bancaire a déjà cet IBAN. Choisissez-le, ou vérifiez l’IBAN."), field="iban"
        )
    other = compact(account.other_identification)
    if other:
        same = BankAccount.objects.filter(legal_entity=account.legal_entity).exclude(pk=account.pk)
        if any(compact(one.other_identification) == other for one in same):
            raise BankAccountRefused(
                _("Un autre compte de cette entité a déjà cet identifiant."), field="other_identification"
            )


def _text(text: str, field: str, longest: int, missing: str = "") -> str:
    text = " ".join(text.split())
    if not text and missing:
        raise BankAccountRefused(missing, field=field)
    if len(text) > longest or "\x00" in text:
        raise BankAccountRefused(_("%(count)d caractères au plus.") % {"count": longest}, field=field)
    return text


def _has_statements(account: BankAccount) -> bool:
    return BankStatement.objects.filter(bank_account=account, status=BankStatement.Status.ACCEPTED).exists()


def _values(account: BankAccount) -> dict[str, Any]:
    return {name: getattr(account, name) for name in _FIELDS}
