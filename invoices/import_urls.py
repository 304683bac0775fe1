"""Addresses of invoice batches, under /factures/."""

from django.urls import path

from invoices.views import imports

import_urlpatterns = [
    path("lots/", imports.import_list, name="import-list"),
    path("lots/deposer/", imports.import_upload, name="import-upload"),
    path("lots/exemple/<str:entity>.csv", imports.import_sample, name="import-sample"),
    path("lots/<uuid:uid>/", imports.import_detail, name="import-detail"),
    path("lots/<uuid:uid>/avancement/", imports.import_progress, name="import-progress"),
    path("lots/<uuid:uid>/lignes/", imports.import_rows, name="import-rows"),
    path("lots/<uuid:uid>/rejets.csv", imports.import_errors, name="import-errors"),
    path("lots/<uuid:uid>/valider/", imports.import_commit, name="import-commit"),
    path("lots/<uuid:uid>/annuler/", imports.import_cancel, name="import-cancel"),
    path("lots/<uuid:uid>/relire/", imports.import_reread, name="import-reread"),
]
