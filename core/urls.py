from django.urls import path

from core.views.selection import selection_total
from core.views.styleguide import styleguide

app_name = "core"
urlpatterns = [
    path("aide/interface/", styleguide, name="styleguide"),
    path("selection/total/", selection_total, name="selection-total"),
]
