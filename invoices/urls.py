from django.urls import URLPattern

from invoices.import_urls import import_urlpatterns

app_name = "invoices"
urlpatterns: list[URLPattern] = [*import_urlpatterns]
