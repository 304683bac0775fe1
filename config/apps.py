from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The composition root as an app: commands that join floors live here."""

    name = "config"
