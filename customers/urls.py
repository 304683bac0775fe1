"""Addresses under /clients/. The list itself joins the floors: config.urls adds it to this namespace."""

from django.urls import path

from customers import views

app_name = "customers"
urlpatterns = [
    path("nouveau/", views.customer_create, name="customer-create"),
    path("<int:pk>/", views.customer_detail, name="customer-detail"),
    path("<int:pk>/historique/", views.customer_timeline, name="customer-timeline"),
    path("<int:pk>/modifier/", views.customer_edit, name="customer-edit"),
    path("<int:pk>/contacts/nouveau/", views.contact_add, name="contact-add"),
    path("<int:pk>/suspendre/", views.customer_hold, name="customer-hold"),
    path("<int:pk>/reprendre/", views.customer_release, name="customer-release"),
    path("<int:pk>/procedure-collective/", views.customer_insolvency, name="customer-insolvency"),
]
