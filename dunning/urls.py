from django.urls import path

from dunning.urls_policies import policy_patterns
from dunning.views import cases, notices, runs

app_name = "dunning"
urlpatterns = [
    path("", runs.run_list, name="run-list"),
    path("campagnes/<int:pk>/", runs.run_detail, name="run-detail"),
    path("suivi/", notices.notice_list, name="notice-list"),
    path("suivi/valider/", notices.notice_approve, name="notice-approve"),
    path("suivi/ecarter/", notices.notice_reject, name="notice-reject"),
    path("suivi/poster/", notices.notice_post, name="notice-post"),
    path("suivi/<int:pk>/", notices.notice_detail, name="notice-detail"),
    path("suivi/<int:pk>/courrier.pdf", notices.letter_pdf, name="letter-pdf"),
    path("suivi/<int:pk>/apercu.pdf", notices.notice_preview, name="notice-preview"),
    path("suivi/<int:pk>/renvoyer/", notices.notice_retry, name="notice-retry"),
    path("dossiers/", cases.case_list, name="case-list"),
    path("dossiers/<int:pk>/", cases.case_detail, name="case-detail"),
    path("dossiers/<int:pk>/dossier.zip", cases.case_dossier, name="case-dossier"),
    path("dossiers/<int:pk>/remettre/", cases.case_hand_over, name="case-hand-over"),
    path("dossiers/<int:pk>/rappeler/", cases.case_recall, name="case-recall"),
    *policy_patterns,
    path("clients/<int:pk>/", cases.customer_panel, name="customer-panel"),
]
