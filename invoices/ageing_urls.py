"""Addresses of the balance âgée, under /factures/."""

from django.urls import path

from invoices.views import ageing

ageing_urlpatterns = [
    path("balance-agee/", ageing.ageing_page, name="ageing"),
    path("balance-agee/export.<str:file_format>", ageing.ageing_export, name="ageing-export"),
]
