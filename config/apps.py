from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The composition root as an app: commands that join floors live here."""

    name = "config"

    def ready(self) -> None:
        # So that whatever process runs Django sends its tasks to our broker.
        import config.celery  # noqa: F401
