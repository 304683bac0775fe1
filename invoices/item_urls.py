"""Addresses of items, under /factures/."""

from django.urls import path

from invoices.views import item_actions, items

item_urlpatterns = [
    path("", items.item_list, name="item-list"),
    path("export.<str:file_format>", items.item_export, name="item-export"),
    path("<int:pk>/", items.item_detail, name="item-detail"),
    path("<int:pk>/document/", items.item_document, name="item-document"),
    path("<int:pk>/lettrer/", item_actions.item_allocate, name="item-allocate"),
    path("lettrages/<int:pk>/defaire/", item_actions.allocation_reverse, name="allocation-reverse"),
    path("comptes/<int:pk>/", items.customer_panel, name="customer-panel"),
]
