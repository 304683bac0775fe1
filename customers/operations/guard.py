"""What the operations on customers share: their refusal, the lock, the models' own checks. Writes nothing."""

from datetime import date

from django.core.exceptions import ValidationError

from core.errors import BusinessError
from core.rights import Actor
from customers.models import Contact, Customer


class CustomerError(BusinessError):
    """A customer cannot be written as asked; `field` names the value at fault."""

    code = "invalid_customer"


def locked(actor: Actor, customer: Customer) -> Customer:
    """The customer, locked. Outside the actor's scope it does not exist: raises Customer.DoesNotExist."""
    return (
        Customer.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .select_related("legal_entity")
        .get(pk=customer.pk)
    )


def full_clean(
    document: Customer | Contact, *, exclude: list[str] | None = None, only: tuple[str, ...] = ()
) -> None:
    """The models' own checks (lengths, choices, formats), as a CustomerError on the first field at fault."""
    if only:
        exclude = [field.name for field in document._meta.fields if field.name not in only]
    try:
        document.clean_fields(exclude=exclude)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise CustomerError(messages[0], field=field) from error


def written(value: object) -> object:
    """A value as the audit trail keeps it."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return str(getattr(value, "pk", value))
