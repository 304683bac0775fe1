"""From a profile to a customer with a name, an address, identifiers and contacts."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from config.demo import identities, names
from config.demo.diary import Diary
from config.demo.profiles import Behaviour, Profile, Segment
from customers.models import Contact, Customer

_HOLD_REASONS = (
    "Échéancier en cours de négociation avec la direction",
    "Contrat-cadre en renégociation, à la demande du commercial",
    "Changement de logiciel chez le client : factures à renvoyer",
    "Réclamation globale sur les livraisons d’automne",
)
_NOTES = (
    "Appeler le mardi matin : la comptable n’est là que trois jours par semaine.",
    "Les factures doivent porter le numéro de commande, sinon elles sont rejetées.",
    "Règle toujours après le second rappel ; ne pas attendre pour le faire.",
    "Interlocutrice directe : la directrice administrative, qui débloque tout.",
    "Copie de chaque facture par e-mail au service des achats.",
)
# French buyers in the rows below the numbers of the two creditors.
_FIRST_SIREN = 2


@dataclass(slots=True)
class ContactRow:
    name: str
    role: str
    email: str
    phone: str
    gets_dunning: bool


@dataclass(slots=True)
class CustomerRow:
    """A customer as the database keeps it; `vat_rate` is the rate of what he buys, in percent."""

    profile: Profile
    account_code: str
    name: str
    siren: str
    siret: str
    vat_number: str
    foreign_id: str
    address_lines: str
    language: str
    naf_code: str
    customer_since: str
    pinned_note: str
    hold_reason: str
    hold_until: str | None
    insolvency_date: str | None
    state_since: str | None
    root: str
    vat_rate: str
    contacts: list[ContactRow]


def account_code(profile: Profile) -> str:
    return f"C{profile.index + 1:05d}"


def make_customer(profile: Profile, mother_root: str, diary: Diary, seed: int, rng: Random) -> CustomerRow:
    """Draw the customer. `mother_root` is the invented word of the group it belongs to, or empty."""
    root = mother_root or names.word(rng)
    siren = siret = vat_number = foreign_id = naf = ""
    vat_rate, language = "20", "fr"
    if profile.country != "FR":
        name, address = names.foreign_company(profile.country, rng, root)
        vat_number, foreign_id = identities.foreign_numbers(profile.country, rng)
        language = "fr" if profile.country in ("BE", "CH") else "en"
    else:
        address = names.french_address(rng)
        name, naf, vat_rate = _french_name(profile, mother_root, root, rng)
        if profile.kind != Customer.Kind.CONSUMER:
            siren = identities.siren(_FIRST_SIREN + profile.index, seed)
            siret = identities.siret(siren, rng.choice((1, 1, 1, 2, 3)))
        if profile.kind in (Customer.Kind.COMPANY, Customer.Kind.SOLE_TRADER):
            vat_number = identities.vat(siren)
    is_held = profile.status == Customer.Status.ON_HOLD
    hold_until = diary.as_of + timedelta(days=rng.randrange(10, 60)) if rng.random() < 0.7 else None
    is_insolvent = profile.status == Customer.Status.INSOLVENT
    insolvency = diary.as_of - timedelta(days=rng.randrange(12, 50))
    known = (
        insolvency + timedelta(days=3) if is_insolvent else diary.as_of - timedelta(days=rng.randrange(2, 25))
    )
    return CustomerRow(
        profile=profile,
        account_code=account_code(profile),
        name=name,
        siren=siren,
        siret=siret,
        vat_number=vat_number,
        foreign_id=foreign_id,
        address_lines=address,
        language=language,
        naf_code=naf,
        customer_since=_since(profile, diary, rng),
        pinned_note=rng.choice(_NOTES) if rng.random() < 0.07 else "",
        hold_reason=rng.choice(_HOLD_REASONS) if is_held else "",
        hold_until=hold_until.isoformat() if is_held and hold_until else None,
        insolvency_date=insolvency.isoformat() if is_insolvent else None,
        state_since=known.isoformat() if is_insolvent or is_held else None,
        root=root,
        vat_rate=vat_rate,
        contacts=_contacts(profile, name, rng),
    )


def _french_name(profile: Profile, mother_root: str, root: str, rng: Random) -> tuple[str, str, str]:
    """A name, its NAF code and the VAT rate."""
    if profile.kind == Customer.Kind.PUBLIC_BODY:
        name, naf = names.public_body(rng)
        return name, naf, "20"
    if profile.kind == Customer.Kind.CONSUMER:
        return names.person(rng), "", "20"
    name, naf, vat_rate = names.company(rng, root)
    if profile.kind == Customer.Kind.SOLE_TRADER and rng.random() < 0.6:
        name = f"{names.person(rng)} EI"
    elif mother_root:
        name = f"{root} {rng.choice(names.BRANCHES)}"
    elif profile.segment is Segment.KEY_ACCOUNT:
        name = names.holding(rng, root)
    return name, naf, vat_rate


def _since(profile: Profile, diary: Diary, rng: Random) -> str:
    if profile.behaviour is Behaviour.NEW:
        return (diary.as_of - timedelta(days=rng.randrange(172, 200))).isoformat()
    return (diary.first - timedelta(days=rng.randrange(30, 5500))).isoformat()


def _contacts(profile: Profile, name: str, rng: Random) -> list[ContactRow]:
    """Who gets the dunning (one customer in fifty has nobody: his letters go by post), and perhaps a buyer."""
    domain = f"{_slug(name)}.{identities.MAIL_DOMAIN}"
    found = []
    if profile.kind == Customer.Kind.CONSUMER:
        email = f"{_slug(name)}@courriel.{identities.MAIL_DOMAIN}"
        return [ContactRow(name[:80], Contact.ContactRole.OTHER, email, identities.phone(rng), True)]
    if rng.random() > 0.02:
        who = names.person(rng) if rng.random() < 0.6 else "Comptabilité fournisseurs"
        mailbox = "comptabilite" if profile.country == "FR" else "accounts"
        role = Contact.ContactRole.ACCOUNTS_PAYABLE
        found.append(ContactRow(who, role, f"{mailbox}@{domain}", identities.phone(rng), True))
    if rng.random() < 0.3:
        who = names.person(rng)
        role = rng.choice((Contact.ContactRole.BUYER, Contact.ContactRole.MANAGEMENT))
        found.append(ContactRow(who, role, f"{_slug(who)}@{domain}", identities.phone(rng), False))
    return found


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("’", " ")).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
