"""A browser with somebody signed in."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from core.models import Role, User
from tests.scenarios.house import open_browser, sign_in, watched_page

# Playwright's own event loop would make Django refuse the ORM in this thread.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = open_browser(playwright)
        yield opened
        opened.close()


@pytest.fixture
def user(make_user) -> User:
    """Who sits before the browser."""
    return make_user(Role.ACCOUNTANT, email="compta@example.test")


@pytest.fixture
def tolerated() -> str:
    """What the console may say: nothing."""
    return ""


@pytest.fixture
def page(live_server, browser: Browser, user: User, tolerated: str) -> Iterator[Page]:
    with watched_page(browser, live_server.url, tolerated=tolerated) as opened:
        sign_in(opened, user.email)
        yield opened
