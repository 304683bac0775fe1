"""Credit insurance and guarantees."""

from django.urls import path

from risk.views import cover

urlpatterns = [
    path("", cover.deadline_list, name="insured-items"),
    path("agrements/", cover.cover_list, name="cover-list"),
    path("agrements/<int:pk>/reponse/", cover.cover_answer, name="cover-answer"),
    path("agrements/<int:pk>/reduire/", cover.cover_reduce, name="cover-reduce"),
    path("agrements/<int:pk>/retirer/", cover.cover_cancel, name="cover-cancel"),
    path("clients/<int:pk>/agrement/", cover.cover_request, name="cover-request"),
    path("clients/<int:pk>/surete/", cover.guarantee_add, name="guarantee-add"),
    path("polices/", cover.insurance_policy_list, name="insurance-policy-list"),
    path("polices/nouvelle/", cover.insurance_policy_edit, name="insurance-policy-create"),
    path("polices/<int:pk>/", cover.insurance_policy_edit, name="insurance-policy-edit"),
    path("polices/<int:pk>/dossier/", cover.insurer_file_prepare, name="insurer-file-prepare"),
    path("dossiers/", cover.insurer_file_list, name="insurer-file-list"),
    path("dossiers/<int:pk>/suivre/", cover.insurer_file_move, name="insurer-file-move"),
    path("dossiers/<int:pk>/fichier/", cover.insurer_file_content, name="insurer-file-content"),
]
