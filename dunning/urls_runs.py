"""Addresses of campaigns, of the approval list, and of what holds dunning back."""

from django.urls import path

from dunning.views import approvals, customers, exceptions, notices, runs, settings, stops

run_patterns = [
    path("", runs.run_list, name="run-list"),
    path("campagnes/<int:pk>/", runs.run_detail, name="run-detail"),
    path("campagnes/<int:pk>/clients/", runs.run_outcomes, name="run-outcomes"),
    path(
        "campagnes/<int:pk>/clients.<str:file_format>", runs.run_outcomes_export, name="run-outcomes-export"
    ),
    path("campagnes/<int:pk>/confirmer/", runs.run_confirm, name="run-confirm"),
    path("campagnes/<int:pk>/liberer/", runs.run_release, name="run-release"),
    path("campagnes/<int:pk>/annuler/", runs.run_cancel, name="run-cancel"),
    path("a-valider/", approvals.approval_list, name="approval-list"),
    path("a-valider/toutes/", approvals.approval_all, name="approval-all"),
    path("suivi/", notices.notice_list, name="notice-list"),
    path("suivi/valider/", notices.notice_approve, name="notice-approve"),
    path("suivi/revenir/", notices.notice_undo_approval, name="notice-undo-approval"),
    path("suivi/ecarter/", notices.notice_reject, name="notice-reject"),
    path("suivi/poster/", notices.notice_post, name="notice-post"),
    path("suivi/<int:pk>/", notices.notice_detail, name="notice-detail"),
    path("suivi/<int:pk>/courrier.pdf", notices.letter_pdf, name="letter-pdf"),
    path("suivi/<int:pk>/apercu.pdf", notices.notice_preview, name="notice-preview"),
    path("suivi/<int:pk>/renvoyer/", notices.notice_retry, name="notice-retry"),
    path("suivi/<int:pk>/refaire/", notices.notice_redo, name="notice-redo"),
    path("suivi/<int:pk>/recue/", notices.notice_sent, name="notice-sent"),
    path("clients/<int:pk>/", customers.customer_panel, name="customer-panel"),
    path("exceptions/", exceptions.exception_list, name="exception-list"),
    path("exceptions/clients/<int:customer_pk>/", exceptions.exception_add, name="exception-add"),
    path("exceptions/<int:pk>/lever/", exceptions.exception_end, name="exception-end"),
    path("reglages/", settings.settings_list, name="settings-list"),
    path("reglages/<int:pk>/", settings.settings_edit, name="settings-edit"),
    path("arrets/", stops.stop_list, name="stop-list"),
    path("arrets/<int:pk>/lever/", stops.stop_lift, name="stop-lift"),
]
