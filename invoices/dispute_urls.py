"""Addresses of disputes and promises, under /factures/."""

from django.urls import path

from invoices.views import disputes, promises

dispute_urlpatterns = [
    path("<int:pk>/litige/", disputes.item_dispute, name="item-dispute"),
    path("<int:pk>/promesse/", promises.item_promise, name="item-promise"),
    path("litiges/", disputes.dispute_list, name="dispute-list"),
    path("litiges/export.<str:file_format>", disputes.dispute_export, name="dispute-export"),
    path("litiges/<int:pk>/", disputes.dispute_detail, name="dispute-detail"),
    path("litiges/<int:pk>/modifier/", disputes.dispute_change, name="dispute-change"),
    path("litiges/<int:pk>/resoudre/", disputes.dispute_resolve, name="dispute-resolve"),
    path("litiges/<int:pk>/documents/", disputes.dispute_file_add, name="dispute-file-add"),
    path("litiges/documents/<int:pk>/", disputes.dispute_file, name="dispute-file"),
    path("promesses/", promises.promise_list, name="promise-list"),
    path("promesses/export.<str:file_format>", promises.promise_export, name="promise-export"),
    path("promesses/<int:pk>/retirer/", promises.promise_withdraw, name="promise-withdraw"),
]
