from django.urls import include, path

from risk.views import customers, overview

app_name = "risk"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("clients/<int:pk>/", customers.customer_panel, name="customer-panel"),
    path("clients/<int:pk>/plafond/", customers.limit_set, name="limit-set"),
    path("veille/", include("risk.urls_watch")),
    path("assurance/", include("risk.urls_cover")),
    path("depreciations/", include("risk.urls_provisions")),
    path("", include("risk.urls_checks")),
    path("", include("risk.urls_limits")),
    path("", include("risk.urls_scores")),
]
