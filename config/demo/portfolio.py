"""Loading the whole demo: the group, its customers and books, its dunning so far, and today's work."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.demo import policies, risk_checks, risk_limits, risk_scores, risk_watch, steps
from config.demo.bank import import_sample_statements
from config.demo.batches import COMMITTED_INVOICES, import_sample_files
from config.demo.books import Books
from config.demo.creditors import TERMS, Account, make_entities, make_people, make_terms
from config.demo.customers import account_code
from config.demo.diary import Diary
from config.demo.loading import Group, stage_portfolio
from config.demo.logo import logo_png
from config.demo.plans import agree_sample_plans
from config.demo.profiles import Behaviour, Profile, make_profiles
from core.errors import BusinessError
from core.files import store_file
from core.legal import MissingLegalParameter, shipped_values
from core.models import User
from core.operations.legal_parameters import load_legal_parameters
from core.rights import SYSTEM
from customers.models import Customer, LegalEntity, PaymentTerms
from dunning.models import Agency
from invoices.models import Allocation, OpenItem

DEFAULT_CUSTOMERS = 240
DEFAULT_INVOICES = 20
DEFAULT_SEED = 2026
# Below, a demo is too small for sample files and past campaigns to have anything to work on.
_SMALLEST_WITH_HISTORY = 40
# Beyond, a large portfolio is there to be measured: few letters, then none.
_LARGEST_WITH_LETTERS = 500
_LARGEST_WITH_HISTORY = 5_000


class NotEmpty(BusinessError):
    """The demo only goes into a database where nobody works."""

    code = "not_empty"


@dataclass(frozen=True)
class Demo:
    """What was asked. `invoices` is the average per customer; their total is exactly customers times invoices.

    `bare`: the books alone, without the stored ageing, the scores, the dunning and the sample files.
    """

    customers: int = DEFAULT_CUSTOMERS
    invoices: int = DEFAULT_INVOICES
    seed: int = DEFAULT_SEED
    bare: bool = False


@dataclass(frozen=True)
class Loaded:
    """What there is now; `notes` say what could not be done and why."""

    customers: int
    invoices: int
    payments: int
    allocations: int
    letters: int
    notices: int
    seconds: float
    accounts: list[Account]
    notes: list[str]


def is_empty() -> bool:
    """Whether nothing is there that the demo could disturb."""
    return not (
        LegalEntity.objects.exists()
        or Customer.objects.exists()
        or PaymentTerms.objects.exists()
        or User.objects.filter(email__endswith="@encours.example").exists()
    )


def load_demo(*, demo: Demo, as_of: date, say: Callable[[str], None]) -> Loaded:
    """Fill an empty database. All or nothing, but for the sample files, which come last.

    The same arguments give the same rows (public ids excepted): instants follow from `as_of` too. Raises NotEmpty.
    """
    started = time.monotonic()
    if not is_empty():
        raise NotEmpty(
            _(
                "La base contient déjà des données : la démonstration ne se charge que dans une base vide. "
                "Pour recommencer, donnez un autre dossier avec ENCOURS_HOME ou une autre base avec DATABASE_URL."
            )
        )
    with_history = not demo.bare and demo.customers >= _SMALLEST_WITH_HISTORY
    notes: list[str] = []
    letters = notices = 0
    with transaction.atomic():
        load_legal_parameters(actor=SYSTEM, values=shipped_values())
        group, accounts = found_group(demo.seed, as_of)
        total = demo.customers * demo.invoices - (COMMITTED_INVOICES if with_history else 0)
        profiles = make_profiles(demo.customers, total, demo.seed)
        stage_portfolio(
            profiles,
            group,
            lambda done, of: say(_("%(done)d clients sur %(of)d") % {"done": done, "of": of}),
        )
        books = Books()
        if with_history and demo.customers <= _LARGEST_WITH_HISTORY:
            try:
                with transaction.atomic():
                    letters = _past_campaigns(books, group, profiles, say)
            except (BusinessError, MissingLegalParameter) as error:
                books = Books()
                notes.append(str(error))
        books.open_until(as_of, group.now)
        if with_history and demo.customers <= _LARGEST_WITH_HISTORY:
            agree_sample_plans(entity=group.entities[0], people=group.people, as_of=as_of)
        if not demo.bare:
            notices = _todays_work(group, demo, notes, say)
        # What the operations above asked the workers for is done already.
        connection.run_on_commit.clear()
    if with_history:
        import_sample_files(
            entities=group.entities,
            actor=group.people.accountant,
            seed=demo.seed,
            as_of=as_of,
            now=group.now,
        )
        import_sample_statements(
            entities=group.entities,
            actor=group.people.accountant,
            seed=demo.seed,
            as_of=as_of,
            now=group.now,
        )
    return Loaded(
        customers=Customer.objects.count(),
        invoices=OpenItem.objects.filter(kind=OpenItem.Kind.INVOICE).count(),
        payments=OpenItem.objects.filter(kind=OpenItem.Kind.PAYMENT).count(),
        allocations=Allocation.objects.count(),
        letters=letters,
        notices=notices,
        seconds=round(time.monotonic() - started, 2),
        accounts=accounts,
        notes=notes,
    )


def found_group(seed: int, as_of: date) -> tuple[Group, list[Account]]:
    """Create the legal entities, their terms and their people; returns also who may sign in."""
    # The first hour of the day: no row of the demo lies in the future of who opens it.
    now = steps.at(as_of, 0)
    logo = store_file(
        content=logo_png(), name="valtermont.png", kind="core.logo", content_type="image/png", now=now
    )
    terms = make_terms()
    entities = make_entities(terms, seed, logo)
    people, accounts = make_people(entities, seed=seed, now=now)
    diary = Diary(as_of, {code: (rule, days) for code, (_name, rule, days) in TERMS.items()})
    return Group(entities, terms, people, diary, seed, now), accounts


def _past_campaigns(books: Books, group: Group, profiles: list[Profile], say: Callable[[str], None]) -> int:
    """Open the books campaign by campaign, under the pilot ladders; returns how many letters were printed."""
    printed = 0
    letters = steps.LETTERS if len(profiles) <= _LARGEST_WITH_LETTERS else steps.FEW_LETTERS
    failing = [
        account_code(profile)
        for profile in profiles
        if profile.behaviour is Behaviour.DYING and profile.status == Customer.Status.ACTIVE
    ]
    days = steps.campaign_days(group.diary.as_of)
    for day in days:
        books.open_until(day, steps.at(day))
        if day == days[0]:
            policies.make_agency()
            policies.make_pilot(
                steps.pilot_minimum(group.entities, day, letters, failing),
                actor=group.people.main,
                now=steps.at(day, 0),
            )
        printed += steps.run_campaign(
            entities=group.entities, day=day, letters=letters, failing=failing, actor=group.people.main
        )
    say(_("%(count)d courriers des campagnes passées") % {"count": printed})
    return printed


def _todays_work(group: Group, demo: Demo, notes: list[str], say: Callable[[str], None]) -> int:
    """Stored ageing, scores, limits and the campaigns that wait for a decision; returns how many notices wait."""
    as_of, now = group.diary.as_of, group.now
    days = steps.store_ageing_days(entities=group.entities, as_of=as_of, now=now)
    say(_("%(count)d balances âgées enregistrées") % {"count": days * len(group.entities)})
    years = risk_scores.add_outside_facts(actor=group.people.main, as_of=as_of, seed=demo.seed, now=now)
    say(_("%(count)d exercices comptables de clients") % {"count": years})
    scored = steps.score(as_of=as_of, now=now, with_past=demo.customers <= _LARGEST_WITH_HISTORY)
    limits = steps.set_credit_limits(actor=group.people.main, as_of=as_of, seed=demo.seed)
    say(_("%(scores)d scores et %(limits)d plafonds") % {"scores": scored, "limits": limits})
    people = group.people
    asked = risk_limits.add_policy_and_requests(
        writer=people.main, asker=people.accountant, as_of=as_of, now=now
    )
    say(_("%(count)d demandes de plafond") % {"count": asked})
    orders = risk_checks.add_orders_and_holds(actor=group.people.main, as_of=as_of, seed=demo.seed, now=now)
    say(_("%(count)d commandes en cours") % {"count": orders})
    proceedings = risk_watch.add_announcements(as_of=as_of, now=now)
    say(_("%(count)d procédures collectives") % {"count": proceedings})
    if not Agency.objects.exists():
        policies.make_agency()
    policies.replace_pilot(actor=group.people.main, now=now)
    policies.set_costs(entities=group.entities, actor=group.people.main, now=now)
    notices, why_not = steps.plan_todays_runs(entities=group.entities, as_of=as_of, now=now)
    if why_not:
        notes.append(why_not)
    calls = steps.begin_calls(actor=group.people.main, as_of=as_of, now=now)
    say(_("%(count)d appels à passer") % {"count": calls})
    return notices
