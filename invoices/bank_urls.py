"""Addresses of bank files, bank accounts and watched folders, under /factures/."""

from django.urls import path

from invoices.views import bank, bank_accounts, drop_folders

bank_urlpatterns = [
    path("banque/", bank.bank_file_list, name="bank-file-list"),
    path("banque/deposer/", bank.bank_file_upload, name="bank-file-upload"),
    path("banque/comptes/", bank_accounts.bank_account_list, name="bank-account-list"),
    path("banque/comptes/nouveau/", bank_accounts.bank_account_create, name="bank-account-create"),
    path("banque/comptes/<int:pk>/", bank_accounts.bank_account_edit, name="bank-account-edit"),
    path(
        "banque/comptes/<int:pk>/archiver/", bank_accounts.bank_account_archive, name="bank-account-archive"
    ),
    path("banque/comptes/<int:pk>/reactiver/", bank_accounts.bank_account_reopen, name="bank-account-reopen"),
    path("banque/dossiers/", drop_folders.drop_folder_list, name="drop-folder-list"),
    path("banque/dossiers/nouveau/", drop_folders.drop_folder_create, name="drop-folder-create"),
    path("banque/dossiers/<int:pk>/", drop_folders.drop_folder_edit, name="drop-folder-edit"),
    path("banque/<uuid:uid>/", bank.bank_file_detail, name="bank-file-detail"),
    path("banque/<uuid:uid>/avancement/", bank.bank_file_progress, name="bank-file-progress"),
    path("banque/<uuid:uid>/fichier/", bank.bank_file_original, name="bank-file-original"),
    path("banque/<uuid:uid>/enregistrer/", bank.bank_file_accept, name="bank-file-accept"),
    path("banque/<uuid:uid>/abandonner/", bank.bank_file_cancel, name="bank-file-cancel"),
    path("banque/<uuid:uid>/retirer/", bank.bank_file_withdraw, name="bank-file-withdraw"),
    path("banque/<uuid:uid>/relire/", bank.bank_file_reread, name="bank-file-reread"),
]
