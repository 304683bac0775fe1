"""Addresses of waivers and of limitation, under /relances/."""

from django.urls import path

from dunning.views import limitation, waivers

law_patterns = [
    path("pieces/<int:pk>/", waivers.item_law, name="item-law"),
    path("pieces/<int:pk>/remise/", waivers.waiver_create, name="waiver-create"),
    path("pieces/<int:pk>/prescription/", limitation.limitation_record, name="limitation-record"),
    path("suivi/<int:pk>/remise/", waivers.notice_waive, name="notice-waive"),
    path("remises/", waivers.waiver_list, name="waiver-list"),
    path("remises/<int:pk>/retirer/", waivers.waiver_revoke, name="waiver-revoke"),
    path("prescription/", limitation.limitation_list, name="limitation-list"),
    path("prescription/export.<str:file_format>", limitation.limitation_export, name="limitation-export"),
    path("prescription/actes/<int:pk>/terminer/", limitation.limitation_end, name="limitation-end"),
    path("prescription/actes/<int:pk>/retirer/", limitation.limitation_withdraw, name="limitation-withdraw"),
    path("prescription/actes/<int:pk>/preuve/", limitation.limitation_evidence, name="limitation-evidence"),
]
