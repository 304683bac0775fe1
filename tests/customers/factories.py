"""Legal entities, customers and contacts for tests. SIRENs pass the Luhn check and are made up."""

import factory
from factory.django import DjangoModelFactory

from customers.models import Contact, Customer, LegalEntity, PaymentTerms


def made_up_siren(number: int) -> str:
    """The `number`th of a series of SIRENs whose check digit is right."""
    stem = f"{90_000_000 + number % 9_999_999:08d}"
    digits = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(stem)]
    return stem + str(-sum(digit // 10 + digit % 10 for digit in digits) % 10)


class PaymentTermsFactory(DjangoModelFactory):
    class Meta:
        model = PaymentTerms
        django_get_or_create = ("code",)

    code = "30J"
    name = "30 jours nets"
    rule = PaymentTerms.Rule.NET
    days = 30


class LegalEntityFactory(DjangoModelFactory):
    class Meta:
        model = LegalEntity

    code = factory.Sequence(lambda n: f"E{n:03d}")
    name = factory.Sequence(lambda n: f"Ateliers du Perche {n}")
    legal_form = "SAS"
    share_capital = 100_000
    siren = factory.Sequence(made_up_siren)
    rcs_city = "Chartres"
    address_lines = "12 rue des Tanneurs\n28000 Chartres"
    phone = "02 00 00 00 00"
    email = "comptabilite@example.test"
    iban = "FR7630006000011234567890189"
    bic = "AGRIFRPP"
    currency = "EUR"
    default_terms = factory.SubFactory(PaymentTermsFactory)
    signatory_name = "Claire Martin"
    signatory_title = "Directrice du crédit"


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    legal_entity = factory.SubFactory(LegalEntityFactory)
    account_code = factory.Sequence(lambda n: f"C{n:05d}")
    name = factory.Sequence(lambda n: f"Client {n:05d}")
    siren = factory.Sequence(lambda n: made_up_siren(5_000_000 + n))
    address_lines = "3 place du Marché\n61400 Mortagne-au-Perche"
    terms = factory.SubFactory(PaymentTermsFactory)


class ContactFactory(DjangoModelFactory):
    class Meta:
        model = Contact

    customer = factory.SubFactory(CustomerFactory)
    name = "Dominique Leroy"
    email = factory.Sequence(lambda n: f"contact{n}@example.test")
    phone = "02 00 00 00 01"
    gets_dunning = True
