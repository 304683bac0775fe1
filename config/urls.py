"""Every address of the house. Pages speak French in their paths; the API lives under /api/v1/."""

from django.contrib.auth import views as auth_views
from django.urls import include, path

from config import views
from customers.urls import urlpatterns as customer_pages

handler400 = "config.views.bad_request"
handler403 = "config.views.forbidden"
handler404 = "config.views.not_found"
handler500 = "config.views.server_error"

# The list of customers shows what the ledger knows: it joins two floors, so it is told here.
customer_urlpatterns = [
    path("", views.customer_list, name="customer-list"),
    path("export.<str:file_format>", views.customer_export, name="customer-export"),
    *customer_pages,
]

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("connexion/", views.SignInView.as_view(), name="login"),
    path("deconnexion/", auth_views.LogoutView.as_view(), name="logout"),
    path("mot-de-passe/", views.PasswordChangeView.as_view(), name="password_change"),
    path("mot-de-passe/fait/", views.password_change_done, name="password_change_done"),
    path("recherche/", views.search, name="search"),
    path("langue/", views.set_language, name="set-language"),
    path("", include("core.urls")),
    path("clients/", include((customer_urlpatterns, "customers"))),
    path("factures/", include("invoices.urls")),
    path("risque/", include("risk.urls")),
    path("relances/", include("dunning.urls")),
    path("api/", include("config.api")),
]
