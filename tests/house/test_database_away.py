"""While the database restarts, people and partners are told to come back, not that the house is broken."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from django.conf import settings


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A web server whose database is nowhere."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}",
         "--no-control-socket", "--log-level", "critical"],
        cwd=settings.BASE_DIR,
        env=os.environ | {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere", "ENCOURS_HOME": str(home), "DEBUG": "false",
            "SECRET_KEY": "only-for-this-test", "ALLOWED_HOSTS": "127.0.0.1", "LOG_LEVEL": "CRITICAL",
        },
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


def _ask(url: str, headers: dict[str, str]) -> urllib.error.HTTPError:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60)
    return refused.value


def test_partner_is_told_to_ask_again(address):
    answer = _ask(f"{address}/api/v1/invoices", {"Authorization": "Bearer enc_whatever"})
    assert answer.code == 503
    assert answer.headers["Retry-After"] == "5"
    problem = json.load(answer)
    assert (problem["code"], problem["retryable"]) == ("service_unavailable", True)


def test_person_is_told_to_come_back(address):
    answer = _ask(f"{address}/", {"Cookie": "sessionid=whatever"})
    assert answer.code == 503
    assert "La base de données ne répond pas" in answer.read().decode()
