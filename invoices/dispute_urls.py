"""Addresses of disputes and promises, under /factures/."""

from django.urls import path

from invoices.views import disputes

dispute_urlpatterns = [
    path("<int:pk>/litige/", disputes.item_dispute, name="item-dispute"),
    path("<int:pk>/promesse/", disputes.item_promise, name="item-promise"),
    path("litiges/<int:pk>/resoudre/", disputes.dispute_resolve, name="dispute-resolve"),
    path("promesses/<int:pk>/retirer/", disputes.promise_withdraw, name="promise-withdraw"),
]
