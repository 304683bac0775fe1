"""Who sells on credit (legal entities) and who buys on credit (customers, contacts, payment terms)."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.folding import FoldedIndex
from core.ids import UuidV7
from core.models import User
from core.rights import SYSTEM, Actor

CURRENCY = RegexValidator(r"^[A-Z]{3}$", _("Code devise ISO 4217 attendu, trois lettres majuscules (EUR)."))
COUNTRY = RegexValidator(r"^[A-Z]{2}$", _("Code pays ISO 3166 attendu, deux lettres majuscules (FR)."))


class PaymentTerms(models.Model):
    """Conditions de règlement: how a due date follows from an invoice. `customers.payment_terms` computes it."""

    class Rule(models.TextChoices):
        NET = "NET", _("Jours nets")
        EOM_AFTER = "EOM_AFTER", _("Jours puis fin de mois")
        EOM_BEFORE = "EOM_BEFORE", _("Fin de mois puis jours")

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("libellé"), max_length=80)
    rule = models.CharField(_("règle"), max_length=12, choices=Rule)
    days = models.PositiveSmallIntegerField(_("jours"))

    class Meta:
        verbose_name = _("conditions de règlement")
        verbose_name_plural = _("conditions de règlement")
        ordering = ["days", "code"]

    def __str__(self) -> str:
        return self.name


class LegalEntityQuerySet(models.QuerySet["LegalEntity"]):
    def visible_to(self, actor: Actor) -> "LegalEntityQuerySet":
        """The entities in the actor's scope; the house itself sees all."""
        if actor is SYSTEM:
            return self
        if not isinstance(actor, User):
            return self.none()
        scopes = EntityScope.objects.filter(user=actor)
        if scopes.filter(legal_entity__isnull=True).exists():
            return self
        return self.filter(pk__in=scopes.values("legal_entity"))

    def wholly_visible_to(self, actor: Actor) -> "LegalEntityQuerySet":
        """Those of which the actor sees every customer, not a portfolio only: for figures of the whole."""
        if actor is SYSTEM or not isinstance(actor, User):
            return self.visible_to(actor)
        whole = EntityScope.objects.filter(user=actor, own_portfolio_only=False)
        if whole.filter(legal_entity__isnull=True).exists():
            return self
        return self.filter(pk__in=whole.values("legal_entity"))


class LegalEntity(models.Model):
    """A creditor of the group, with what its letters must say of it (C. com. R123-237 and R123-238)."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("dénomination sociale"), max_length=120)
    legal_form = models.CharField(_("forme juridique"), max_length=60)
    share_capital = models.DecimalField(
        _("capital social"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    siren = models.CharField("SIREN", max_length=9, unique=True)
    rcs_city = models.CharField(_("ville du greffe (RCS)"), max_length=60)
    vat_number = models.CharField(_("numéro de TVA"), max_length=20, blank=True)
    address_lines = models.TextField(_("adresse"), help_text=_("Une ligne d’adresse par ligne."))
    phone = models.CharField(_("téléphone"), max_length=30, blank=True)
    email = models.EmailField(_("adresse e-mail"), blank=True)
    iban = models.CharField("IBAN", max_length=34)
    bic = models.CharField("BIC", max_length=11, blank=True)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY], default="EUR")
    logo = models.ForeignKey(
        "core.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    default_terms = models.ForeignKey(PaymentTerms, on_delete=models.PROTECT, related_name="+")
    late_fee_clause = models.CharField(
        _("clause de pénalités"),
        max_length=40,
        blank=True,
        help_text=_(
            "Vide : taux légal supplétif (BCE + 10 points). FIXED:12 : taux fixe ; LEGAL_X:3 : multiple de l’intérêt légal."
        ),
    )
    signatory_name = models.CharField(_("signataire des courriers"), max_length=80)
    signatory_title = models.CharField(_("qualité du signataire"), max_length=80)

    objects = LegalEntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("entité juridique")
        verbose_name_plural = _("entités juridiques")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class EntityScope(models.Model):
    """What a user sees: one legal entity (none named: all), whole or only his own portfolio."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    legal_entity = models.ForeignKey(
        LegalEntity, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    own_portfolio_only = models.BooleanField(_("son portefeuille seulement"), default=False)

    class Meta:
        verbose_name = _("périmètre")
        verbose_name_plural = _("périmètres")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "legal_entity"],
                name="entity_scope_once_per_user_and_entity",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} : {self.legal_entity or _('toutes les entités')}"


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, actor: Actor) -> "CustomerQuerySet":
        """The customers in the actor's scope: his legal entities, and there perhaps only his portfolio."""
        if actor is SYSTEM:
            return self
        if not isinstance(actor, User):
            return self.none()
        visible = Q(pk__in=[])
        for entity_id, own_only in EntityScope.objects.filter(user=actor).values_list(
            "legal_entity", "own_portfolio_only"
        ):
            part = Q() if entity_id is None else Q(legal_entity=entity_id)
            visible |= (part & Q(portfolio_owner=actor)) if own_only else (part | Q(pk__in=[]))
            if entity_id is None and not own_only:
                return self
        return self.filter(visible)


class LatePaymentLaw(models.TextChoices):
    """Whose law of late payment a contract follows: a fact of the contract, never read from the buyer's country."""

    FRANCE = "FR", _("France")
    GERMANY = "DE", _("Allemagne")
    AUSTRIA = "AT", _("Autriche")
    BELGIUM = "BE", _("Belgique")
    SPAIN = "ES", _("Espagne")
    IRELAND = "IE", _("Irlande")
    ITALY = "IT", _("Italie")
    LUXEMBOURG = "LU", _("Luxembourg")
    NETHERLANDS = "NL", _("Pays-Bas")
    POLAND = "PL", _("Pologne")
    PORTUGAL = "PT", _("Portugal")
    UNITED_KINGDOM = "GB", _("Royaume-Uni")


class Customer(models.Model):
    """A buyer's account with one legal entity. The account code is the ERP's and unique there."""

    class Language(models.TextChoices):
        """Those that letters are written in."""

        FRENCH = "fr", _("Français")
        ENGLISH = "en", _("Anglais")
        GERMAN = "de", _("Allemand")
        SPANISH = "es", _("Espagnol")
        ITALIAN = "it", _("Italien")

    class Kind(models.TextChoices):
        COMPANY = "COMPANY", _("Société")
        PUBLIC_BODY = "PUBLIC_BODY", _("Organisme public")
        SOLE_TRADER = "SOLE_TRADER", _("Entrepreneur individuel")
        CONSUMER = "CONSUMER", _("Particulier")

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("Actif")
        ON_HOLD = "ON_HOLD", _("Relances suspendues")
        INSOLVENT = "INSOLVENT", _("Procédure collective")
        CLOSED = "CLOSED", _("Clôturé")

    class ClaimNature(models.TextChoices):
        """What is sold, as far as limitation depends on it; blank: goods or services."""

        CARRIAGE = "CARRIAGE", _("Transport de marchandises (un an)")
        SHIPPING = "SHIPPING", _("Fournitures pour navires et autres cas d’un an (C. com. L110-4 II)")
        UNKNOWN = "UNKNOWN", _("Non déterminée (délai le plus court)")

    TRANSITIONS = (
        (Status.ACTIVE, Status.ON_HOLD),
        (Status.ON_HOLD, Status.ACTIVE),
        (Status.ACTIVE, Status.INSOLVENT),
        (Status.ON_HOLD, Status.INSOLVENT),
        (Status.ACTIVE, Status.CLOSED),
        (Status.ON_HOLD, Status.CLOSED),
        (Status.INSOLVENT, Status.CLOSED),
        (Status.INSOLVENT, Status.ACTIVE),
        (Status.CLOSED, Status.ACTIVE),
    )

    uid = models.UUIDField(db_default=UuidV7(), unique=True, editable=False)
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="customers")
    account_code = models.CharField(_("code client"), max_length=40)
    name = models.CharField(_("nom"), max_length=120)
    kind = models.CharField(_("nature"), max_length=12, choices=Kind, default=Kind.COMPANY)
    status = models.CharField(_("état"), max_length=10, choices=Status, default=Status.ACTIVE)
    hold_reason = models.CharField(_("motif du blocage"), max_length=200, blank=True)
    hold_until = models.DateField(_("blocage jusqu’au"), null=True, blank=True)
    insolvency_date = models.DateField(_("date du jugement d’ouverture"), null=True, blank=True)
    siren = models.CharField("SIREN", max_length=9, blank=True)
    siret = models.CharField("SIRET", max_length=14, blank=True)
    vat_number = models.CharField(_("numéro de TVA"), max_length=20, blank=True)
    foreign_id = models.CharField(_("identifiant étranger"), max_length=40, blank=True)
    country = models.CharField(_("pays"), max_length=2, validators=[COUNTRY], default="FR")
    address_lines = models.TextField(_("adresse"), blank=True)
    language = models.CharField(_("langue"), max_length=2, choices=Language, default=Language.FRENCH)
    currency = models.CharField(_("devise"), max_length=3, validators=[CURRENCY], default="EUR")
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    terms = models.ForeignKey(PaymentTerms, on_delete=models.PROTECT, related_name="+")
    portfolio_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    segment = models.CharField(_("segment"), max_length=40, blank=True)
    naf_code = models.CharField(_("code NAF"), max_length=6, blank=True)
    late_payment_law = models.CharField(
        _("loi des pénalités de retard"),
        max_length=2,
        choices=LatePaymentLaw,
        blank=True,
        db_default="",
        default="",
        help_text=_("Celle du contrat ou des conditions générales. Vide : droit français."),
    )
    claim_nature = models.CharField(
        _("nature des créances"),
        max_length=8,
        choices=ClaimNature,
        blank=True,
        db_default="",
        default="",
        help_text=_("Pour la prescription. Vide : vente de biens ou de services."),
    )
    limitation_years = models.PositiveSmallIntegerField(
        _("prescription convenue (années)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text=_("D’un à dix ans, entre professionnels (C. civ. 2254). Vide : délai légal."),
    )
    customer_since = models.DateField(_("client depuis"), null=True, blank=True)
    pinned_note = models.TextField(_("note épinglée"), blank=True)
    updated_at = models.DateTimeField(_("modifié le"), auto_now=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["legal_entity", "account_code"], name="customer_account_code_once"
            ),
            models.CheckConstraint(
                condition=Q(siren="") | Q(siren__regex=r"^\d{9}$"), name="customer_siren_digits"
            ),
            models.CheckConstraint(
                condition=Q(siret="") | Q(siret__regex=r"^\d{14}$"), name="customer_siret_digits"
            ),
            models.CheckConstraint(
                condition=~Q(status="INSOLVENT") | Q(insolvency_date__isnull=False),
                name="customer_insolvent_has_judgment_date",
            ),
            models.CheckConstraint(
                condition=Q(limitation_years__isnull=True) | Q(limitation_years__range=(1, 10)),
                name="customer_limitation_of_one_to_ten_years",
            ),
        ]
        indexes = [
            models.Index(fields=["legal_entity", "name", "id"], name="customer_by_name"),
            models.Index(fields=["siren"], name="customer_by_siren", condition=~Q(siren="")),
            models.Index(fields=["portfolio_owner"], name="customer_by_portfolio"),
            models.Index(fields=["updated_at", "id"], name="customer_for_sync"),
            FoldedIndex("name", "account_code", name="customer_search"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def external_id(self) -> str:
        """The partner's own identifier: the account code."""
        return self.account_code


class Contact(models.Model):
    """A person or a mailbox at the customer's."""

    class ContactRole(models.TextChoices):
        ACCOUNTS_PAYABLE = "ACCOUNTS_PAYABLE", _("Comptabilité fournisseurs")
        BUYER = "BUYER", _("Achats")
        MANAGEMENT = "MANAGEMENT", _("Direction")
        OTHER = "OTHER", _("Autre")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(_("nom"), max_length=80)
    role = models.CharField(
        _("fonction"), max_length=20, choices=ContactRole, default=ContactRole.ACCOUNTS_PAYABLE
    )
    email = models.EmailField(_("adresse e-mail"), blank=True)
    phone = models.CharField(_("téléphone"), max_length=30, blank=True)
    gets_dunning = models.BooleanField(_("reçoit les relances"), default=False)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["-gets_dunning", "name", "id"]
        indexes = [models.Index(fields=["customer"], name="contact_dunned", condition=Q(gets_dunning=True))]

    def __str__(self) -> str:
        return self.name
