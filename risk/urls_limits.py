from django.urls import path

from risk.views import limits, policy, requests, simulations

urlpatterns = [
    path("plafonds/", limits.limit_list, name="limit-list"),
    path("plafonds/export.<str:file_format>", limits.limit_export, name="limit-export"),
    path("plafonds/revues/", limits.review_list, name="review-list"),
    path("plafonds/revues/<int:pk>/maintenir/", limits.review_keep, name="review-keep"),
    path("clients/<int:pk>/demande-de-plafond/", requests.request_create, name="request-create"),
    path("plafonds/demandes/", requests.request_list, name="request-list"),
    path("plafonds/demandes/<int:pk>/", requests.request_detail, name="request-detail"),
    path("plafonds/demandes/<int:pk>/approuver/", requests.request_approve, name="request-approve"),
    path("plafonds/demandes/<int:pk>/refuser/", requests.request_refuse, name="request-refuse"),
    path("plafonds/demandes/<int:pk>/retirer/", requests.request_withdraw, name="request-withdraw"),
    path("plafonds/demandes/<int:pk>/commenter/", requests.request_note, name="request-note"),
    path("plafonds/demandes/<int:pk>/documents/<int:note>/", requests.request_file, name="request-file"),
    path("plafonds/demandes/<int:pk>/courrier/", requests.request_letter, name="request-letter"),
    path(
        "plafonds/demandes/<int:pk>/courrier/etablir/",
        requests.request_letter_write,
        name="request-letter-write",
    ),
    path("politique-de-credit/", policy.policy_list, name="credit-policy-list"),
    path("politique-de-credit/preparer/", policy.policy_draft, name="credit-policy-draft"),
    path("politique-de-credit/<int:pk>/", policy.policy_detail, name="credit-policy-detail"),
    path("politique-de-credit/<int:pk>/modifier/", policy.policy_edit, name="credit-policy-edit"),
    path("politique-de-credit/<int:pk>/soumettre/", policy.policy_submit, name="credit-policy-submit"),
    path(
        "politique-de-credit/<int:pk>/mettre-en-vigueur/",
        policy.policy_activate,
        name="credit-policy-activate",
    ),
    path("politique-de-credit/<int:pk>/abandonner/", policy.policy_retire, name="credit-policy-retire"),
    path("plafonds/simulations/", simulations.limit_simulation_list, name="limit-simulation-list"),
    path(
        "plafonds/simulations/demander/",
        simulations.limit_simulation_request,
        name="limit-simulation-request",
    ),
    path(
        "plafonds/simulations/<int:pk>/", simulations.limit_simulation_detail, name="limit-simulation-detail"
    ),
    path(
        "plafonds/simulations/<int:pk>/demandes/",
        simulations.limit_simulation_ask,
        name="limit-simulation-ask",
    ),
]
