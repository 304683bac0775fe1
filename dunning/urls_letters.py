"""Addresses of letter templates, of the words of one letter, and of the paper of an entity."""

from django.urls import path

from dunning.views import letter_edits, letter_templates

letter_patterns = [
    path("modeles/", letter_templates.template_list, name="template-list"),
    path("modeles/preparer/", letter_templates.template_draft, name="template-draft"),
    path(
        "modeles/integre/<str:kind>/<str:language>/",
        letter_templates.template_built_in,
        name="template-built-in",
    ),
    path("modeles/<int:pk>/", letter_templates.template_detail, name="template-detail"),
    path("modeles/<int:pk>/verifier/", letter_templates.template_check, name="template-check"),
    path("modeles/<int:pk>/apercu.pdf", letter_templates.template_preview, name="template-preview"),
    path("modeles/<int:pk>/etape/", letter_templates.template_step, name="template-step"),
    path("modeles/papier/<int:pk>/", letter_edits.letterhead_detail, name="letterhead-detail"),
    path("suivi/<int:pk>/texte/", letter_edits.letter_edit, name="letter-edit"),
    path("suivi/<int:pk>/texte/verifier/", letter_edits.letter_edit_check, name="letter-edit-check"),
]
