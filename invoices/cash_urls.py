"""Addresses of cash application, under /factures/rapprochement/."""

from django.urls import path

from invoices.views import cash, cash_bulk, cash_items, cash_tables, entry_exports

cash_urlpatterns = [
    path("rapprochement/", cash.cash_board, name="cash-board"),
    path("rapprochement/annuler/", cash.cash_undo, name="cash-undo"),
    path("rapprochement/<int:pk>/solde/", cash.cash_balance, name="cash-balance"),
    path("rapprochement/<int:pk>/lettrer/", cash.cash_apply, name="cash-apply"),
    path("rapprochement/<int:pk>/retenir/", cash.cash_accept, name="cash-accept"),
    path("rapprochement/<int:pk>/sans-objet/", cash.cash_set_aside, name="cash-set-aside"),
    path("rapprochement/<int:pk>/reprendre/", cash.cash_reopen, name="cash-reopen"),
    path("rapprochement/<int:pk>/impaye/", cash.cash_return, name="cash-return"),
    path("rapprochement/<int:pk>/rembourser/", cash_bulk.cash_refund, name="cash-refund"),
    path("rapprochement/<int:pk>/rembourse/", cash_bulk.cash_confirm_refund, name="cash-confirm-refund"),
    path("rapprochement/certaines/", cash_bulk.cash_certain, name="cash-certain"),
    path("rapprochement/lot/", cash_bulk.cash_bulk, name="cash-bulk"),
    path("rapprochement/taux/", cash_tables.cash_rates, name="cash-rates"),
    path("rapprochement/payeurs/", cash_tables.cash_payers, name="cash-payers"),
    path("rapprochement/payeurs/<int:pk>/oublier/", cash_tables.payer_forget, name="cash-payer-forget"),
    path("rapprochement/reglages/", cash_tables.cash_settings, name="cash-settings"),
    path("rapprochement/ecritures/", entry_exports.entry_export_list, name="entry-export-list"),
    path("rapprochement/ecritures/<int:pk>/", entry_exports.entry_export_file, name="entry-export-file"),
    path("affectations/<int:pk>/defaire/", cash_items.application_reverse, name="application-reverse"),
    path("comptes/<int:pk>/credits/", cash_items.credit_apply, name="credit-apply"),
    path("<int:pk>/ecart/", cash_items.item_write_off, name="item-write-off"),
    path("<int:pk>/rembourser/", cash_items.item_refund, name="item-refund"),
]
