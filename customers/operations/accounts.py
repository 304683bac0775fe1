"""Opening customers' accounts and changing them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import audit
from core.models import User
from core.operation import operation
from core.rights import Actor
from customers.identifiers import (
    IdentifierError,
    clean_foreign_id,
    clean_naf,
    clean_siren,
    clean_siret,
    clean_vat_number,
)
from customers.models import Customer, LegalEntity, PaymentTerms
from customers.operations.guard import CustomerError, full_clean, locked, written

# What a person or a partner may change on a customer; the account code and the legal entity are its identity.
EDITABLE = (
    "name",
    "kind",
    "siren",
    "siret",
    "vat_number",
    "foreign_id",
    "country",
    "address_lines",
    "language",
    "currency",
    "parent",
    "terms",
    "portfolio_owner",
    "segment",
    "naf_code",
    "late_payment_law",
    "claim_nature",
    "limitation_years",
    "customer_since",
    "pinned_note",
)
_IDENTITY = {"kind", "siren", "siret", "vat_number", "country"}
_MAX_GROUP_DEPTH = 20


class DuplicateCustomer(CustomerError):
    """The account code or the establishment is another customer's."""

    code = "duplicate_customer"


@operation("customers.edit")
def create_customer(
    *,
    actor: Actor,
    now: datetime,
    legal_entity: LegalEntity,
    account_code: str,
    name: str,
    terms: PaymentTerms | None = None,
    **values: Any,
) -> Customer:
    """Open an account for a customer; `values` are EDITABLE fields. Terms and currency default to the entity's.

    A French professional has a SIREN (found in the SIRET when only that is given); a foreign customer and a
    consumer have none. Raises CustomerError or DuplicateCustomer, naming the field.
    """
    if not LegalEntity.objects.visible_to(actor).filter(pk=legal_entity.pk).exists():
        raise CustomerError(
            _("Cette entité juridique n’est pas dans votre périmètre. Choisissez-en une autre."),
            field="legal_entity",
        )
    _check_known(values)
    customer = Customer(
        legal_entity=legal_entity,
        account_code=" ".join(account_code.split()),
        name=name,
        terms=terms or legal_entity.default_terms,
        **{"currency": legal_entity.currency, **values},
    )
    if not customer.account_code:
        raise CustomerError(_("Indiquez le code client."), field="account_code")
    _settle_values(customer)
    _check(customer)
    _check_identity(customer)
    _check_account_code(customer)
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
    except IntegrityError:
        # Somebody created the same code between our look and our write.
        _check_account_code(customer)
        raise
    audit.record(
        actor=actor,
        verb="customers.customer.created",
        refs=[customer, legal_entity],
        now=now,
        account_code=customer.account_code,
        name=customer.name,
    )
    return customer


@operation("customers.edit")
def update_customer(*, actor: Actor, now: datetime, customer: Customer, **values: Any) -> Customer:
    """Change EDITABLE fields; nothing is written, and no event kept, when nothing differs.

    Raises CustomerError or DuplicateCustomer, naming the field.
    """
    _check_known(values)
    customer = locked(actor, customer)
    before = {field: getattr(customer, field) for field in EDITABLE}
    for field, value in values.items():
        setattr(customer, field, value)
    _settle_values(customer)
    changes = {
        field: {"from": written(before[field]), "to": written(getattr(customer, field))}
        for field in EDITABLE
        if getattr(customer, field) != before[field]
    }
    if not changes:
        return customer
    _check(customer)
    if _IDENTITY & changes.keys():
        # An account imported without its SIREN stays editable; whoever touches its identity completes it.
        _check_identity(customer)
    customer.save(update_fields=[*changes, "updated_at"])
    audit.record(actor=actor, verb="customers.customer.updated", refs=[customer], now=now, changes=changes)
    return customer


def _check_known(values: dict[str, Any]) -> None:
    unknown = sorted(set(values) - set(EDITABLE))
    if unknown:
        raise TypeError(f"not editable on a customer: {', '.join(unknown)}")


def _settle_values(customer: Customer) -> None:
    """Bring the values to their one spelling, identifiers checked; a SIRET or a VAT number tells the SIREN."""
    customer.name = " ".join(customer.name.split())
    customer.address_lines = "\n".join(
        line for part in customer.address_lines.splitlines() if (line := " ".join(part.split()))
    )
    customer.country = customer.country.strip().upper() or "FR"
    customer.currency = customer.currency.strip().upper()
    customer.segment = " ".join(customer.segment.split())
    if customer.siren.strip():
        customer.siren = _identifier("siren", clean_siren, customer.siren)
    if customer.siret.strip():
        customer.siret = _identifier("siret", lambda text: clean_siret(text, customer.siren), customer.siret)
        customer.siren = customer.siret[:9]
    if customer.vat_number.strip():
        customer.vat_number = _identifier(
            "vat_number",
            lambda text: clean_vat_number(text, customer.country, customer.siren),
            customer.vat_number,
        )
    if customer.naf_code.strip():
        customer.naf_code = _identifier("naf_code", clean_naf, customer.naf_code)
    if customer.foreign_id.strip():
        customer.foreign_id = _identifier(
            "foreign_id", lambda text: clean_foreign_id(text, customer.country), customer.foreign_id
        )


def _identifier(field: str, clean: Callable[[str], str], text: str) -> str:
    try:
        return clean(text)
    except IdentifierError as error:
        raise CustomerError(str(error), code="invalid_identifier", field=field) from error


def _check(customer: Customer) -> None:
    full_clean(customer, exclude=["uid"])
    _check_parent(customer)
    _check_limitation(customer)
    if isinstance(customer.portfolio_owner, User) and not customer.portfolio_owner.is_active:
        raise CustomerError(
            _("Ce gestionnaire n’est plus actif. Choisissez-en un autre."), field="portfolio_owner"
        )


def _check_identity(customer: Customer) -> None:
    if customer.kind == Customer.Kind.CONSUMER:
        for field in ("siren", "siret", "vat_number"):
            if getattr(customer, field):
                raise CustomerError(
                    _(
                        "Un particulier n’a ni SIREN, ni SIRET, ni numéro de TVA. Videz ce champ ou changez la nature."
                    ),
                    field=field,
                )
    elif customer.country == "FR" and not customer.siren:
        raise CustomerError(
            _("Le SIREN est obligatoire pour un client professionnel établi en France."), field="siren"
        )
    _check_siret_once(customer)


def _check_limitation(customer: Customer) -> None:
    """C. civ. 2254; C. consom. L218-1: the period of limitation is not changed by contract with a consumer."""
    if customer.limitation_years is not None and customer.kind == Customer.Kind.CONSUMER:
        raise CustomerError(
            _("La prescription ne se convient pas avec un particulier. Videz ce champ ou changez la nature."),
            field="limitation_years",
        )


def _check_account_code(customer: Customer) -> None:
    other = Customer.objects.filter(
        legal_entity=customer.legal_entity, account_code=customer.account_code
    ).first()
    if other is not None:
        raise DuplicateCustomer(
            _("Le code client « %(code)s » est déjà celui de « %(name)s ». Choisissez-en un autre.")
            % {"code": customer.account_code, "name": other.name},
            field="account_code",
        )


def _check_siret_once(customer: Customer) -> None:
    """The same establishment twice would split its exposure and its reminders. Other establishments are welcome."""
    if not customer.siret:
        return
    twins = Customer.objects.filter(legal_entity=customer.legal_entity, siret=customer.siret)
    other = twins.exclude(pk=customer.pk).exclude(status=Customer.Status.CLOSED).first()
    if other is not None:
        raise DuplicateCustomer(
            _("Ce SIRET est déjà celui du client « %(name)s » (%(code)s). Utilisez ce compte ou clôturez-le.")
            % {"name": other.name, "code": other.account_code},
            field="siret",
        )


def _check_parent(customer: Customer) -> None:
    """A parent is a customer of the same legal entity, and the chain of parents never closes on itself."""
    parent = customer.parent
    for _step in range(_MAX_GROUP_DEPTH):
        if parent is None:
            return
        if parent.legal_entity_id != customer.legal_entity_id:
            raise CustomerError(
                _("La société mère doit être un client de la même entité juridique."), field="parent"
            )
        if customer.pk is not None and parent.pk == customer.pk:
            raise CustomerError(
                _(
                    "Un client ne peut pas dépendre de lui-même, même à travers d’autres. Choisissez une autre mère."
                ),
                field="parent",
            )
        parent = parent.parent
    raise CustomerError(_("Ce groupe compte trop de niveaux. Rattachez le client plus haut."), field="parent")
