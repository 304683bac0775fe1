"""The climate of the tests: real services, private folders, and no undefined template variable."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from core.models import Grant, Role, User


@pytest.fixture(autouse=True)
def private_folders(settings: object, tmp_path: Path) -> None:
    """Each test keeps its files and its mail in a folder of its own."""
    storages = {name: dict(options) for name, options in settings.STORAGES.items()}  # type: ignore[attr-defined]
    for name in ("default", "private"):
        storages[name]["OPTIONS"] = {**storages[name]["OPTIONS"], "location": tmp_path / "files"}
    settings.STORAGES = storages  # type: ignore[attr-defined]
    settings.EMAIL_FILE_PATH = tmp_path / "outbox"  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def language_of_the_house() -> Iterator[None]:
    """A page read in English leaves its language to the thread; the next test starts in French."""
    yield
    translation.deactivate()


class _UndefinedVariables(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.getMessage().startswith("Exception while resolving variable"):
            return
        variable, template = record.args[0], record.args[1]  # type: ignore[index]
        # Django's own form and debug templates rely on undefined variables.
        if not str(template).startswith(("django/", "rest_framework/", "drf_spectacular", "unknown")):
            self.found.append(f"{variable} in {template}")


@pytest.fixture(autouse=True)
def undefined_template_variables_fail() -> Iterator[None]:
    logger, handler = logging.getLogger("django.template"), _UndefinedVariables()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)
    logger.setLevel(level)
    assert not handler.found, f"undefined template variables: {sorted(set(handler.found))}"


@pytest.fixture
def make_user(db: None):
    """Make a user with roles; `sees` names legal entities (default: all of them)."""

    def make(*roles: Role, email: str = "", sees: object = None, own_portfolio_only: bool = False) -> User:
        from customers.models import EntityScope

        address = email or f"{'-'.join(role.lower() for role in roles) or 'nobody'}@example.test"
        user = User.objects.create_user(address, "mot-de-passe-de-test", full_name=address.split("@")[0])
        Grant.objects.bulk_create(Grant(user=user, role=role) for role in roles)
        for entity in [None] if sees is None else sees:  # type: ignore[attr-defined]
            EntityScope.objects.create(user=user, legal_entity=entity, own_portfolio_only=own_portfolio_only)
        return user

    return make


@pytest.fixture
def sign_in():
    """A browser-like client signed in as the user."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: a ZIP or an encrypted PDF made anew is another one, and the workers must agree on names."""
    return argname if isinstance(val, bytes) else None
