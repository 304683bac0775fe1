"""Allowances for expected losses."""

from django.urls import path

from risk.views import assessments, provisions

urlpatterns = [
    path("", provisions.provision_list, name="provision-list"),
    path("<int:pk>/", provisions.provision_detail, name="provision-detail"),
    path("<int:pk>/arreter/", provisions.provision_close, name="provision-close"),
    path("<int:pk>/abandonner/", provisions.provision_discard, name="provision-discard"),
    path("<int:pk>/lignes.<str:file_format>", provisions.provision_lines, name="provision-lines"),
    path("<int:pk>/ecritures/", provisions.provision_entries, name="provision-entries"),
    path("<int:pk>/controle/", provisions.provision_back_test, name="provision-back-test"),
    path("methode/<int:pk>/", provisions.provision_method, name="provision-method"),
    path("evaluations/", assessments.assessment_list, name="assessment-list"),
    path("evaluations/clients/<int:pk>/", assessments.assessment_create, name="assessment-create"),
    path("evaluations/<int:pk>/lever/", assessments.assessment_end, name="assessment-end"),
]
