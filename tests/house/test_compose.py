"""The production containers, checked as far as can be without an engine."""

import importlib
import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
import yaml

from config.runtime.home import REPOSITORY

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {"setup", "web", "worker", "beat"}
# They run once and end: their exit code says how it went.
ONE_SHOT = {"setup"}
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
# Not settings of the product: the system's, Django's or the test runner's own, or a mark between our processes.
NOT_SETTINGS = {"PATH", "PYTHONPATH", "PGTZ", "HOME", "TMPDIR", "DJANGO_SETTINGS_MODULE", "_ENCOURS_ENV_READ"}
NOT_SETTINGS |= {"DJANGO_ALLOW_ASYNC_UNSAFE"}


def documented() -> set[str]:
    return set(
        re.findall(
            r"^\| `([A-Z_]+)` \|", (REPOSITORY / "docs" / "configuration.md").read_text(), re.MULTILINE
        )
    )


def exemplified() -> set[str]:
    return set(re.findall(r"^#?([A-Z_]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))


def interpolated() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (REPOSITORY / "docker-compose.yml").read_text()))


def read_by_code() -> set[str]:
    reads = re.compile(
        r"""(?:\benv(?:\.[a-z_]+)?|Env\(\)\.[a-z_]+|environ(?:\.get|\.setdefault|\.pop)?)[(\[]\s*["']([A-Z][A-Z_]+)["']"""
    )
    found = set()
    for folder in ("config", "core", "customers", "dunning", "invoices", "risk"):
        for file in (REPOSITORY / folder).rglob("*.py"):
            found |= set(reads.findall(file.read_text()))
    return found - NOT_SETTINGS


def dockerfile_command() -> list[str]:
    return json.loads(re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1])


def test_services_of_the_product_are_there() -> None:
    assert SERVICES.keys() >= OURS | {"postgres", "redis"}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOT))
def test_every_lasting_service_restarts_and_has_a_health_check(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= service["healthcheck"].keys()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_services_wait_for_services_that_exist_and_can_be_waited_for(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


def test_named_volumes_are_declared_and_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == COMPOSE["volumes"].keys()
    for name in OURS:
        assert any(volume.startswith("encours-data:") for volume in SERVICES[name]["volumes"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_exists(name: str) -> None:
    """Executables are console scripts of the locked packages; modules and applications can be imported."""
    command = SERVICES[name].get("command") or dockerfile_command()
    checks = [command, SERVICES[name].get("healthcheck", {}).get("test", ["CMD"])[1:]]
    for words in filter(None, checks):
        program, *arguments = words if isinstance(words, list) else shlex.split(words)
        if program == "python":
            assert arguments[0] == "-m"
            assert find_spec(arguments[1]) is not None
            continue
        assert program in {"gunicorn", "celery"}
        assert find_spec(program) is not None
        (application,) = (word for word in arguments if re.fullmatch(r"config\.[a-z]+:[a-z]+", word))
        module, attribute = application.split(":")
        assert hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_celery_commands_are_accepted_by_celery(name: str) -> None:
    """Options are parsed before the help is shown: an unknown one is refused."""
    words = [re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", word) for word in SERVICES[name]["command"]]
    done = subprocess.run(
        [sys.executable, "-m", *words, "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"celery {name}" in done.stdout


def test_every_variable_of_the_containers_is_documented() -> None:
    assert interpolated() <= documented()
    assert interpolated() <= exemplified()


def test_containers_pass_on_variables_that_the_settings_read() -> None:
    given = set(SERVICES["web"]["environment"])
    assert given <= read_by_code() | {"WEB_CONCURRENCY"}


def test_every_variable_read_is_documented_and_none_besides() -> None:
    read = read_by_code()
    assert {"DATABASE_URL", "SECRET_KEY", "EMAIL_URL"} <= read
    assert documented() == read | interpolated()
    assert exemplified() == documented()


def test_secrets_have_no_default() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text()
    assert re.search(r"\$\{(SECRET_KEY|POSTGRES_PASSWORD)(?!:\?)", text) is None


def test_image_is_built_in_stages_and_runs_without_root() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    users = re.findall(r"^USER (\S+)$", stages[-1], re.MULTILINE)
    assert users
    assert users[-1] not in ("root", "0")
    assert f"useradd --system --uid 10001 --gid {users[-1]}" in stages[-1]
    assert stages[-1].index("USER ") < stages[-1].index("CMD ")
    assert "apt-get install" not in stages[-1][stages[-1].index("USER ") :]


def test_image_copies_what_exists_and_what_is_not_ignored() -> None:
    ignored = set((REPOSITORY / ".dockerignore").read_text().split())
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (REPOSITORY / source).exists(), source
        assert source not in ignored
    needed = (
        "manage.py",
        "config",
        "core",
        "customers",
        "dunning",
        "invoices",
        "risk",
        "templates",
        "static",
    )
    assert not ignored & {*needed, "package.json", "package-lock.json", ".npmrc", "locale"}
    assert {".git", ".venv", ".env", ".encours", "node_modules"} <= ignored


def test_image_installs_the_libraries_that_the_set_up_asks_for() -> None:
    setup = (REPOSITORY / "config" / "runtime" / "setup.sh").read_text()
    libraries = set(re.findall(r"\|\| echo (lib\S+)", setup))
    assert libraries
    assert all(f" {library} " in DOCKERFILE for library in libraries)
