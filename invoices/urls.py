from django.urls import URLPattern

from invoices.ageing_urls import ageing_urlpatterns
from invoices.bank_urls import bank_urlpatterns
from invoices.cash_urls import cash_urlpatterns
from invoices.dispute_urls import dispute_urlpatterns
from invoices.einvoice_urls import einvoice_urlpatterns
from invoices.import_urls import import_urlpatterns
from invoices.item_urls import item_urlpatterns
from invoices.plan_urls import plan_urlpatterns

app_name = "invoices"
urlpatterns: list[URLPattern] = [
    *ageing_urlpatterns,
    *item_urlpatterns,
    *import_urlpatterns,
    *bank_urlpatterns,
    *cash_urlpatterns,
    *dispute_urlpatterns,
    *plan_urlpatterns,
    *einvoice_urlpatterns,
]
