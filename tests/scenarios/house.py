"""The house as people meet it: a web server, a real worker, a real mail server, and a browser."""

import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import Envelope, Session
from django.conf import settings
from playwright.sync_api import Browser, Page, Playwright, expect

from config.celery import app
from config.runtime.services import service_urls
from tests.database import database_url

REPOSITORY = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPOSITORY / "test-results" / "screens"
WIDTHS = (1440, 1024, 390)
PASSWORD = "mot-de-passe-de-test"


class Mailbox:
    """What the SMTP server took charge of."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        self.messages.append(envelope)
        return "250 Message accepted"


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, str]]:
    """A mail server on a free port; gives its mailbox and its address as EMAIL_URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


@contextmanager
def worker(home: Path, email_url: str) -> Iterator[None]:
    """A Celery worker on the test's database and files, listening to a queue of its own."""
    queue, before = f"test-{uuid.uuid4().hex}", app.conf.task_default_queue
    environment = os.environ | {
        # The worker has a home of its own, and the services of this one.
        "DATABASE_URL": database_url(),
        "REDIS_URL": service_urls().redis,
        "ENCOURS_HOME": str(home),
        "EMAIL_URL": email_url,
        "CELERY_QUEUE": queue,
        "SECRET_KEY": settings.SECRET_KEY,
        "LOG_LEVEL": "WARNING",
    }
    app.conf.task_default_queue = queue
    command = [
        "celery",
        "-A",
        "config.celery",
        "worker",
        "--pool",
        "solo",
        "--queues",
        queue,
        "--loglevel",
        "WARNING",
    ]
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=REPOSITORY, env=environment)
    try:
        yield
    finally:
        app.conf.task_default_queue = before
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def open_browser(playwright: Playwright) -> Browser:
    """Debian's Chromium, without its calls home."""
    return playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=[
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    )


@contextmanager
def watched_page(browser: Browser, address: str, *, tolerated: str = "", **context: object) -> Iterator[Page]:
    """A page that must show no error of a script or of the console, but for those that hold `tolerated`."""
    page = browser.new_page(
        viewport={"width": WIDTHS[0], "height": 900}, base_url=address, locale="fr-FR", **context
    )  # type: ignore[arg-type]
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert [problem for problem in problems if not tolerated or tolerated not in problem] == []


def sign_in(page: Page, email: str) -> None:
    """Enter by the front door."""
    page.goto("/")
    page.get_by_label("Adresse e-mail").fill(email)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Factures").first).to_be_visible()
    page.wait_for_load_state("networkidle")


def pictures(page: Page, name: str) -> None:
    """The page at three widths, light and dark; it never scrolls sideways."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, (name, width, scheme)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
