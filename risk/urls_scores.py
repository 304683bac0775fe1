"""Addresses of scores, accounts, ratings, objections and score cards."""

from django.urls import path

from risk.views import cards, scores, statement_files, statements

urlpatterns = [
    path("clients/<int:pk>/score/", scores.score_detail, name="score-detail"),
    path("clients/<int:pk>/score/calcul/", scores.score_run, name="score-run"),
    path("clients/<int:pk>/score/information/", scores.score_information, name="score-information"),
    path("clients/<int:pk>/score/demande/", scores.objection_record, name="objection-record"),
    path("demandes/<int:pk>/", scores.objection_review, name="objection-review"),
    path("clients/<int:pk>/comptes/", statements.statement_create, name="statement-create"),
    path("comptes/<int:pk>/", statements.statement_detail, name="statement-detail"),
    path("comptes/<int:pk>/retrait/", statements.statement_withdraw, name="statement-withdraw"),
    path("clients/<int:pk>/notes/", statements.rating_create, name="rating-create"),
    path("notes/<int:pk>/retrait/", statements.rating_withdraw, name="rating-withdraw"),
    path("solvabilite/fichiers/", statement_files.outside_file, name="outside-file"),
    path("solvabilite/", cards.card_list, name="card-list"),
    path("solvabilite/grilles/<int:version>/", cards.card_version, name="card-version"),
    path("solvabilite/grilles/<int:version>/simulation/", cards.card_simulate, name="card-simulate"),
    path("solvabilite/grilles/<int:version>/essai/", cards.card_challenge, name="card-challenge"),
    path("solvabilite/grilles/<int:version>/vigueur/", cards.card_activate, name="card-activate"),
    path("solvabilite/grilles/<int:version>/retrait/", cards.card_retire, name="card-retire"),
    path("solvabilite/simulations/<int:pk>/", cards.card_simulation, name="card-simulation"),
]
