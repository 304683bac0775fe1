"""A customer's page and what is done from it. What he owes is shown by the panels of the floors above."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import audit, clock
from core.audit_words import told
from core.errors import BusinessError
from core.forms import show_refusal
from core.keyset import keyset_page
from core.models import User
from core.rights import has_permission, permission_required
from customers import operations
from customers.forms import ContactForm, CustomerForm, HoldForm, InsolvencyForm, NewCustomerForm
from customers.identifiers import format_siren, format_siret
from customers.models import Customer, LegalEntity

STATUS_TONES = {
    Customer.Status.ACTIVE: "ok",
    Customer.Status.ON_HOLD: "watch",
    Customer.Status.INSOLVENT: "blocked",
    Customer.Status.CLOSED: "neutral",
}
# Panels of the floors above: URL name, right to see them, title, whether it is narrow.
PANELS = (
    ("invoices:customer-panel", "invoices.view", gettext_lazy("Compte"), False),
    ("dunning:customer-panel", "dunning.view", gettext_lazy("Relances"), False),
    ("risk:customer-panel", "risk.view", gettext_lazy("Risque"), True),
)
RECENT_EVENTS = 12


def visible_customer(user: User, pk: int) -> Customer:
    """The customer, or 404 outside the person's scope."""
    customers = Customer.objects.visible_to(user).select_related(
        "legal_entity", "terms", "portfolio_owner", "parent"
    )
    return get_object_or_404(customers, pk=pk)


@require_GET
@permission_required("customers.view")
def customer_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one customer on one page."""
    customer = visible_customer(request.user, pk)
    panels = [
        {"url": reverse(name, args=[pk]), "title": title, "name": name.partition(":")[0], "narrow": narrow}
        for name, permission, title, narrow in PANELS
        if has_permission(request.user, permission)
    ]
    events = list(audit.timeline(customer)[: RECENT_EVENTS + 1])
    context = {
        "customer": customer,
        "tone": STATUS_TONES[customer.status],
        "siren": format_siren(customer.siren) if customer.siren else "",
        "siret": format_siret(customer.siret) if customer.siret else "",
        "wide_panels": [panel for panel in panels if not panel["narrow"]],
        "narrow_panels": [panel for panel in panels if panel["narrow"]],
        "contacts": list(customer.contacts.all()[:50]),
        "events": told(events[:RECENT_EVENTS]),
        "timeline_url": reverse("customers:customer-timeline", args=[pk])
        if len(events) > RECENT_EVENTS
        else "",
        "may_edit": has_permission(request.user, "customers.edit"),
        "may_hold": has_permission(request.user, "customers.hold"),
    }
    return render(request, "customers/customer_detail.html", context)


@require_GET
@permission_required("customers.view")
def customer_timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """All that happened to one customer, the latest first."""
    customer = visible_customer(request.user, pk)
    page = keyset_page(audit.timeline(customer), order=("-pk",), cursor=request.GET.get("cursor", ""))
    context = {
        "customer": customer,
        "events": told(page.rows),
        "next_url": page.next_url(request.GET),
        "previous_url": page.previous_url(request.GET),
    }
    return render(request, "customers/customer_timeline.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("customers.edit")
def customer_create(request: HttpRequest) -> HttpResponse:
    """Open an account by hand; most come with the first file of items."""
    entities = list(LegalEntity.objects.visible_to(request.user)[:2])
    first = entities[0] if len(entities) == 1 else None
    initial = (
        {"legal_entity": first, "terms": first.default_terms_id, "currency": first.currency} if first else {}
    )
    form = NewCustomerForm(request.POST or None, initial=initial, actor=request.user)
    if request.method == "POST" and form.is_valid():
        customer = _attempt(
            form,
            lambda: operations.create_customer(actor=request.user, now=clock.now(), **form.values()),
        )
        if customer is not None:
            messages.success(request, _("Le compte de « %(name)s » est ouvert.") % {"name": customer.name})
            return redirect("customers:customer-detail", pk=customer.pk)
    context = {
        "form": form,
        "title": _("Nouveau client"),
        "submit": _("Ouvrir le compte"),
        "back_url": reverse("customers:customer-list"),
        "back_label": _("Clients"),
    }
    return _form_page(request, context)


@require_http_methods(["GET", "POST"])
@permission_required("customers.edit")
def customer_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what may be changed of a customer."""
    customer = visible_customer(request.user, pk)
    form = CustomerForm(
        request.POST or None, instance=Customer.objects.get(pk=customer.pk), actor=request.user
    )
    if request.method == "POST" and form.is_valid():
        done = _attempt(
            form,
            lambda: operations.update_customer(
                actor=request.user, now=clock.now(), customer=customer, **form.values()
            ),
        )
        if done is not None:
            messages.success(request, _("La fiche est à jour."))
            return redirect("customers:customer-detail", pk=pk)
    return _form_page(
        request,
        _about(customer, form=form, title=_("Modifier la fiche"), submit=_("Enregistrer")),
    )


@require_http_methods(["GET", "POST"])
@permission_required("customers.edit")
def contact_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a person or a mailbox."""
    customer = visible_customer(request.user, pk)
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        contact = _attempt(
            form,
            lambda: operations.add_contact(
                actor=request.user, now=clock.now(), customer=customer, **form.cleaned_data
            ),
        )
        if contact is not None:
            messages.success(request, _("« %(name)s » est ajouté aux contacts.") % {"name": contact.name})
            return redirect("customers:customer-detail", pk=pk)
    return _form_page(
        request,
        _about(customer, form=form, title=_("Nouveau contact"), submit=_("Ajouter le contact")),
    )


@require_http_methods(["GET", "POST"])
@permission_required("customers.hold")
def customer_hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Suspend the dunning of a customer."""
    customer = visible_customer(request.user, pk)
    form = HoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = _attempt(
            form,
            lambda: operations.hold_customer(
                actor=request.user,
                now=clock.now(),
                today=clock.today(),
                customer=customer,
                reason=form.cleaned_data["hold_reason"],
                until=form.cleaned_data["hold_until"],
            ),
        )
        if done is not None:
            messages.success(
                request, _("Les relances de « %(name)s » sont suspendues.") % {"name": customer.name}
            )
            return redirect("customers:customer-detail", pk=pk)
    explanation = _(
        "Aucune relance ne partira pour ce client tant que dure la suspension, même déjà validée. "
        "Ses pièces restent dans la balance âgée et les pénalités continuent de courir."
    )
    return _form_page(
        request,
        _about(
            customer,
            form=form,
            title=_("Suspendre les relances"),
            submit=_("Suspendre les relances"),
            explanation=explanation,
        ),
    )


@require_POST
@permission_required("customers.hold")
def customer_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Resume the dunning of a customer."""
    customer = visible_customer(request.user, pk)
    try:
        operations.release_customer(actor=request.user, now=clock.now(), customer=customer)
    except BusinessError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Les relances de « %(name)s » reprennent.") % {"name": customer.name})
    return redirect("customers:customer-detail", pk=pk)


@require_http_methods(["GET", "POST"])
@permission_required("customers.hold")
def customer_insolvency(request: HttpRequest, pk: int) -> HttpResponse:
    """Note the judgment that opens insolvency proceedings."""
    customer = visible_customer(request.user, pk)
    form = InsolvencyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = _attempt(
            form,
            lambda: operations.declare_insolvent(
                actor=request.user,
                now=clock.now(),
                today=clock.today(),
                customer=customer,
                judgment_date=form.cleaned_data["insolvency_date"],
            ),
        )
        if done is not None:
            messages.success(request, _("La procédure collective est notée : plus rien n’est réclamé."))
            return redirect("customers:customer-detail", pk=pk)
    explanation = _(
        "Le jugement d’ouverture interdit les poursuites individuelles pour les créances antérieures "
        "(C. com. L622-21) : toutes les relances s’arrêtent. Déclarez la créance au mandataire judiciaire "
        "dans les deux mois de la publication au BODACC."
    )
    return _form_page(
        request,
        _about(
            customer,
            form=form,
            title=_("Déclarer une procédure collective"),
            submit=_("Noter le jugement"),
            explanation=explanation,
            danger=True,
        ),
    )


def _attempt(form: forms.BaseForm, call: Callable[[], Any]) -> Any:
    """What the operation returns, or None after its refusal is shown on the form."""
    try:
        return call()
    except BusinessError as error:
        show_refusal(form, error)
        return None


def _about(customer: Customer, **context: Any) -> dict[str, Any]:
    return {
        "subtitle": f"{customer.name} · {customer.account_code}",
        "back_url": reverse("customers:customer-detail", args=[customer.pk]),
        "back_label": customer.name,
        **context,
    }


def _form_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    context = {"subtitle": "", "explanation": "", "danger": False, **context}
    status = 422 if context["form"].errors else 200
    return render(request, "customers/customer_form.html", context, status=status)
