"""Addresses of payment plans, under /factures/."""

from django.urls import path

from invoices.views import plan_steps, plans

plan_urlpatterns = [
    path("echeanciers/", plans.plan_list, name="plan-list"),
    path("echeanciers/nouveau/<int:customer>/", plans.plan_create, name="plan-create"),
    path("echeanciers/<uuid:uid>/", plans.plan_detail, name="plan-detail"),
    path("echeanciers/<uuid:uid>/accord.pdf", plans.plan_agreement, name="plan-agreement"),
    path("echeanciers/<uuid:uid>/accord-signe.pdf", plans.plan_signed, name="plan-signed"),
    path("echeanciers/<uuid:uid>/soumettre/", plan_steps.plan_submit, name="plan-submit"),
    path("echeanciers/<uuid:uid>/approuver/", plan_steps.plan_approve, name="plan-approve"),
    path("echeanciers/<uuid:uid>/renvoyer/", plan_steps.plan_return, name="plan-return"),
    path("echeanciers/<uuid:uid>/mettre-en-vigueur/", plan_steps.plan_start, name="plan-start"),
    path("echeanciers/<uuid:uid>/annuler/", plan_steps.plan_cancel, name="plan-cancel"),
]
