"""Addresses of the watch, under /risque/veille/."""

from django.urls import path

from risk.views import insolvency, watch

urlpatterns = [
    path("", watch.watch_list, name="watch-list"),
    path("annonces/", watch.event_list, name="event-list"),
    path("annonces/<int:pk>/", watch.event_detail, name="event-detail"),
    path("annonces/<int:pk>/rapprocher/", watch.event_attach, name="event-attach"),
    path("annonces/<int:pk>/ecarter/", watch.event_aside, name="event-aside"),
    path("suites/<int:pk>/decider/", watch.outcome_decide, name="outcome-decide"),
    path("fichiers/", watch.watch_file_list, name="watch-file-list"),
    path("deposer/", watch.watch_upload, name="watch-upload"),
    path("procedures/", insolvency.proceeding_list, name="proceeding-list"),
    path("procedures/<int:pk>/", insolvency.proceeding_detail, name="proceeding-detail"),
    path(
        "procedures/<int:pk>/releve/<int:version>/",
        insolvency.proceeding_statement,
        name="proceeding-statement",
    ),
    path(
        "procedures/<int:pk>/mandataire/",
        insolvency.proceeding_representative,
        name="proceeding-representative",
    ),
    path("procedures/<int:pk>/corriger/", insolvency.proceeding_change, name="proceeding-change"),
    path("procedures/<int:pk>/contestation/", insolvency.proceeding_dispute, name="proceeding-dispute"),
    path("procedures/<int:pk>/annuler/", insolvency.proceeding_cancel, name="proceeding-cancel"),
    path("procedures/<int:pk>/reactiver/", insolvency.proceeding_reactivate, name="proceeding-reactivate"),
    path("taches/<int:pk>/faite/", insolvency.task_done, name="task-done"),
    path("taches/<int:pk>/sans-objet/", insolvency.task_drop, name="task-drop"),
    path("taches/<int:pk>/rouvrir/", insolvency.task_reopen, name="task-reopen"),
    path("taches/<int:pk>/preuve/", insolvency.task_proof, name="task-proof"),
]
