from django.urls import URLPattern

from invoices.import_urls import import_urlpatterns
from invoices.item_urls import item_urlpatterns

app_name = "invoices"
urlpatterns: list[URLPattern] = [*item_urlpatterns, *import_urlpatterns]
