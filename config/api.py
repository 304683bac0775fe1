"""The partner API: one router over the resources of every floor."""

from django.urls import URLPattern, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from config.views_api import redoc, swagger
from core.api.views import UnknownAddress
from customers import api as customers

app_name = "api"
urlpatterns: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="api:swagger")),
    path("docs/", swagger, name="swagger"),
    path("redoc/", redoc, name="redoc"),
    path("v1/openapi", SpectacularAPIView.as_view(), name="schema"),
    path("v1/customers", customers.CustomerList.as_view(), name="customers"),
    path("v1/customers/<path:id>", customers.CustomerDetail.as_view(), name="customer"),
    re_path(r"^.*$", UnknownAddress.as_view()),
]
