"""Addresses of invoice batches, under /factures/."""

from django.urls import path

from invoices.views import import_detail, import_mapping, import_profiles, import_rows, import_steps, imports

import_urlpatterns = [
    path("lots/", imports.import_list, name="import-list"),
    path("lots/deposer/", imports.import_upload, name="import-upload"),
    path("lots/sources/", import_profiles.import_profile_list, name="import-profile-list"),
    path("lots/sources/<int:pk>/", import_profiles.import_profile_detail, name="import-profile-detail"),
    path(
        "lots/sources/<int:pk>/archiver/",
        import_profiles.import_profile_archive,
        name="import-profile-archive",
    ),
    path("lots/garde-fous/<str:entity>/", import_profiles.import_guard, name="import-guard"),
    path("lots/exemple/<str:entity>.csv", import_rows.import_sample, name="import-sample"),
    path("lots/<uuid:uid>/", import_detail.import_detail, name="import-detail"),
    path("lots/<uuid:uid>/avancement/", import_detail.import_progress, name="import-progress"),
    path("lots/<uuid:uid>/colonnes/", import_mapping.import_mapping, name="import-mapping"),
    path("lots/<uuid:uid>/lignes/", import_rows.import_rows, name="import-rows"),
    path("lots/<uuid:uid>/rejets.<str:file_format>", import_rows.import_errors, name="import-errors"),
    path("lots/<uuid:uid>/confirmer/", import_steps.import_confirm, name="import-confirm"),
    path("lots/<uuid:uid>/valider/", import_steps.import_commit, name="import-commit"),
    path("lots/<uuid:uid>/approuver/", import_steps.import_approve, name="import-approve"),
    path("lots/<uuid:uid>/renvoyer/", import_steps.import_return, name="import-return"),
    path("lots/<uuid:uid>/annuler/", import_steps.import_cancel, name="import-cancel"),
    path("lots/<uuid:uid>/retirer/", import_steps.import_rollback, name="import-rollback"),
    path("lots/<uuid:uid>/relire/", import_steps.import_reread, name="import-reread"),
]
