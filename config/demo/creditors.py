"""The fictitious group: two legal entities, their terms, their people and their API partner."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.hashers import make_password

from config.demo import identities
from core.api.authentication import hash_key
from core.models import ApiKey, Grant, Role, StoredFile, User
from customers.models import EntityScope, LegalEntity, PaymentTerms

# Printed by the command and by nobody else: it opens a database of invented customers.
PASSWORD = "encours-demo-2026"
HUMAN_ROLES = (Role.CREDIT_MANAGER, Role.ACCOUNTANT, Role.FINANCE_DIRECTOR, Role.ADMINISTRATOR)
API_SCOPES = [
    "customers:read",
    "customers:write",
    "invoices:read",
    "ageing:read",
    "notices:read",
    "invoice-batches:read",
    "invoice-batches:write",
]
TERMS: dict[str, tuple[str, str, int]] = {
    "NET15": ("15 jours", PaymentTerms.Rule.NET, 15),
    "NET30": ("30 jours", PaymentTerms.Rule.NET, 30),
    "NET45": ("45 jours", PaymentTerms.Rule.NET, 45),
    "NET60": ("60 jours", PaymentTerms.Rule.NET, 60),
    "EOM45": ("45 jours puis fin de mois", PaymentTerms.Rule.EOM_AFTER, 45),
    "EOM45B": ("Fin de mois puis 45 jours", PaymentTerms.Rule.EOM_BEFORE, 45),
}


@dataclass(frozen=True)
class Account:
    """A way in, as the command prints it. `secret` is a password, or an API key."""

    login: str
    secret: str
    name: str
    roles: tuple[str, ...]
    sees: str


@dataclass(frozen=True)
class People:
    """Who works in the demo; `main` holds every human role."""

    main: User
    credit: User
    accountant: User
    owners: tuple[User, User, User]


def make_terms() -> dict[str, PaymentTerms]:
    rows = [
        PaymentTerms(code=code, name=name, rule=rule, days=days) for code, (name, rule, days) in TERMS.items()
    ]
    PaymentTerms.objects.bulk_create(rows)
    return {row.code: row for row in rows}


def make_entities(terms: dict[str, PaymentTerms], seed: int, logo: StoredFile) -> list[LegalEntity]:
    first, second = identities.siren(0, seed), identities.siren(1, seed)
    rows = [
        LegalEntity(
            code="VALT",
            name="Fournitures Valtermont",
            legal_form="SAS",
            share_capital=Decimal("850000.00"),
            siren=first,
            rcs_city="Lyon",
            vat_number=identities.vat(first),
            address_lines="18 quai des Ormes\n69009 Lyon",
            phone="04 65 71 40 10",
            email="credit@valtermont.example",
            iban=identities.iban(40_118_007),
            currency="EUR",
            logo=logo,
            default_terms=terms["NET30"],
            signatory_name="Hélène Dorvand",
            signatory_title="Responsable du crédit client",
        ),
        LegalEntity(
            code="OUEST",
            name="Valtermont Services Ouest",
            legal_form="SARL",
            share_capital=Decimal("60000.00"),
            siren=second,
            rcs_city="Nantes",
            vat_number=identities.vat(second),
            address_lines="7 allée des Chantiers\n44200 Nantes",
            phone="02 61 91 22 40",
            email="credit-ouest@valtermont.example",
            iban=identities.iban(40_118_119),
            currency="EUR",
            default_terms=terms["NET45"],
            late_fee_clause="FIXED:12",
            signatory_name="Yann Kerlozan",
            signatory_title="Gérant",
        ),
    ]
    LegalEntity.objects.bulk_create(rows)
    return rows


def make_people(entities: list[LegalEntity], *, seed: int, now: datetime) -> tuple[People, list[Account]]:
    """The users with their roles and scopes, and the lines that the command prints."""
    accounts: list[Account] = []
    password = make_password(PASSWORD)  # hashed once: hashing is slow on purpose

    def person(
        login: str, name: str, roles: tuple[Role, ...], entity: LegalEntity | None = None, own: bool = False
    ) -> User:
        user = User.objects.create(email=f"{login}@encours.example", full_name=name, password=password)
        Grant.objects.bulk_create(Grant(user=user, role=role) for role in roles)
        EntityScope.objects.create(user=user, legal_entity=entity, own_portfolio_only=own)
        sees = entity.name if entity else "toutes les entités"
        if own:
            sees += ", son portefeuille"
        accounts.append(Account(user.email, PASSWORD, name, tuple(roles), sees))
        return user

    main = person("demo", "Camille Demarne", HUMAN_ROLES)
    credit = person("credit", "Nadège Vellin", (Role.CREDIT_MANAGER,), entities[0], own=True)
    collector = person("recouvrement", "Karim Tarvand", (Role.CREDIT_MANAGER,), entities[1])
    accountant = person("comptable", "Bruno Lansson", (Role.ACCOUNTANT,))
    person("direction", "Sabine Corvault", (Role.FINANCE_DIRECTOR,))
    person("admin", "Théo Merquet", (Role.ADMINISTRATOR,))
    partner = User.objects.create_user("erp@encours.example", None, full_name="ERP de démonstration")
    Grant.objects.create(user=partner, role=Role.API_PARTNER)
    EntityScope.objects.create(user=partner, legal_entity=None)
    secret = api_secret(seed)
    ApiKey.objects.create(
        user=partner,
        name="ERP de démonstration",
        prefix=secret[:17],
        secret_sha256=hash_key(secret),
        scopes=API_SCOPES,
        created_at=now,
    )
    accounts.append(
        Account(partner.email, secret, partner.full_name, (Role.API_PARTNER,), "toutes les entités")
    )
    return People(main, credit, accountant, (main, credit, collector)), accounts


def api_secret(seed: int) -> str:
    """The demo's API key: the same for the same seed, which is why only a demo may have it."""
    return "enc_test_" + hashlib.sha256(f"encours demo {seed}".encode()).hexdigest()[:43]
