"""The address of the test's own database, for processes that a test starts."""

from urllib.parse import urlsplit, urlunsplit

from django.db import connection

from config.runtime.services import service_urls


def database_url() -> str:
    """The configured server, embedded or not, and the database that this test runs on."""
    parts = urlsplit(service_urls().database)
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
