from django.urls import path

from dunning.urls_law import law_patterns
from dunning.urls_letters import letter_patterns
from dunning.urls_mail import mail_patterns
from dunning.urls_policies import policy_patterns
from dunning.urls_post import post_patterns
from dunning.urls_runs import run_patterns
from dunning.views import cases

app_name = "dunning"
urlpatterns = [
    *run_patterns,
    path("dossiers/", cases.case_list, name="case-list"),
    path("dossiers/<int:pk>/", cases.case_detail, name="case-detail"),
    path("dossiers/<int:pk>/dossier.zip", cases.case_dossier, name="case-dossier"),
    path("dossiers/<int:pk>/remettre/", cases.case_hand_over, name="case-hand-over"),
    path("dossiers/<int:pk>/rappeler/", cases.case_recall, name="case-recall"),
    *law_patterns,
    *mail_patterns,
    *policy_patterns,
    *post_patterns,
    *letter_patterns,
]
