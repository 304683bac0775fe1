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
from playwright.sync_api import Browser, Playwright

from config.celery import app
from config.runtime.services import service_urls
from tests.database import database_url

REPOSITORY = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPOSITORY / "test-results" / "screens"


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
