"""Addresses of pages about e-mail addresses and mail events, under /relances/."""

from django.urls import path

from dunning.views import mail

mail_patterns = [
    path("adresses-ecartees/", mail.suppression_list, name="suppression-list"),
    path("adresses-ecartees/ajouter/", mail.suppression_add, name="suppression-add"),
    path("adresses-ecartees/<int:pk>/lever/", mail.suppression_lift, name="suppression-lift"),
    path("adresses-ecartees/verifier/", mail.address_check, name="address-check"),
    path("retours-de-messagerie/", mail.mail_event_list, name="mail-event-list"),
]
