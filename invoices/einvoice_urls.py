"""Addresses of electronic invoices' life cycle, under /factures/."""

from django.urls import path

from invoices.views import einvoices

einvoice_urlpatterns = [
    path("statuts/", einvoices.einvoice_status_list, name="einvoice-status-list"),
    path("statuts/deposer/", einvoices.einvoice_status_upload, name="einvoice-status-upload"),
    path("statuts/encaissements/", einvoices.einvoice_collected, name="einvoice-collected"),
]
