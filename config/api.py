"""The partner API: one router over the resources of every floor."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
