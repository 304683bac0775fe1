from django.urls import path

from core.views import administration, legal_parameters, people
from core.views.selection import selection_total
from core.views.styleguide import styleguide

app_name = "core"
urlpatterns = [
    path("aide/interface/", styleguide, name="styleguide"),
    path("selection/total/", selection_total, name="selection-total"),
    path("administration/", administration.administration, name="administration"),
    path("administration/travaux/", administration.job_list, name="job-list"),
    path("administration/audit/", administration.audit_list, name="audit-list"),
    path("administration/utilisateurs/", people.user_list, name="user-list"),
    path("administration/utilisateurs/<int:pk>/", people.user_detail, name="user-detail"),
    path("administration/utilisateurs/<int:pk>/donner/", people.role_grant, name="role-grant"),
    path("administration/utilisateurs/<int:pk>/retirer/", people.role_revoke, name="role-revoke"),
    path("administration/utilisateurs/<int:pk>/fermer/", people.user_deactivate, name="user-deactivate"),
    path("administration/utilisateurs/<int:pk>/rouvrir/", people.user_reactivate, name="user-reactivate"),
    path("administration/cles/", people.api_key_list, name="api-key-list"),
    path("administration/cles/nouvelle/", people.api_key_create, name="api-key-create"),
    path("administration/cles/<int:pk>/revoquer/", people.api_key_revoke, name="api-key-revoke"),
    path("administration/parametres/", legal_parameters.legal_parameter_list, name="legal-parameter-list"),
    path(
        "administration/parametres/nouveau/",
        legal_parameters.legal_parameter_enter,
        name="legal-parameter-enter",
    ),
    path(
        "administration/parametres/<int:pk>/confirmer/",
        legal_parameters.legal_parameter_confirm,
        name="legal-parameter-confirm",
    ),
]
