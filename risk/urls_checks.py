from django.urls import path

from risk.views import check_settings, checks, holds, orders

urlpatterns = [
    path("puis-je-livrer/", checks.check_ask, name="check-ask"),
    path("controles/", checks.check_list, name="check-list"),
    path("controles/<int:pk>/", checks.check_detail, name="check-detail"),
    path("blocages/", holds.hold_list, name="hold-list"),
    path("blocages/<int:pk>/", holds.hold_detail, name="hold-detail"),
    path("blocages/<int:pk>/lever/", holds.hold_end, name="hold-end"),
    path("blocages/<int:pk>/remettre/", holds.hold_restore, name="hold-restore"),
    path("clients/<int:pk>/bloquer/", holds.hold_place, name="hold-place"),
    path("alertes/", holds.alert_list, name="alert-list"),
    path("commandes/", orders.order_list, name="order-list"),
    path("commandes/nouvelle/", orders.order_create, name="order-create"),
    path("commandes/<int:pk>/", orders.order_detail, name="order-detail"),
    path("commandes/<int:pk>/livrer/", orders.order_deliver, name="order-deliver"),
    path("commandes/<int:pk>/terminer/", orders.order_end, name="order-end"),
    path("reglages/", check_settings.settings_list, name="check-settings"),
    path("reglages/<int:pk>/", check_settings.settings_edit, name="check-settings-edit"),
]
