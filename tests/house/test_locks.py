"""Locks name versions and hashes: no machine, no index, no path."""

import json
import re
import tomllib

import pytest

from config.runtime.home import REPOSITORY

PYTHON_LOCKS = ("requirements.lock", "requirements-dev.lock")
PLACE = re.compile(
    r"://|\bfile:|@\s|(?:^|\s)-e\s|--(?:index|extra-index|find-links|trusted-host)|/home/|/opt/|/root/|/tmp/"
)


def requirements(lock: str) -> dict[str, list[str]]:
    """Each pinned requirement with its hashes."""
    pinned: dict[str, list[str]] = {}
    for line in (REPOSITORY / lock).read_text().replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            name, *rest = line.split(" --hash=")
            pinned[name.strip()] = rest
    return pinned


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_python_lock_names_no_place(lock: str) -> None:
    code = "\n".join(line.split("#")[0] for line in (REPOSITORY / lock).read_text().splitlines())
    assert PLACE.search(code) is None


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_every_requirement_is_pinned_with_hashes(lock: str) -> None:
    pinned = requirements(lock)
    assert len(pinned) > 50
    for requirement, hashes in pinned.items():
        assert re.match(r"[a-z0-9._\[\],-]+==[^ ]+", requirement), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", found.strip()) for found in hashes), requirement


def test_development_lock_contains_the_runtime_lock() -> None:
    missing = requirements("requirements.lock").keys() - requirements("requirements-dev.lock").keys()
    assert not missing


def test_locks_follow_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    runtime = {name.split("==")[0].split("[")[0] for name in requirements("requirements.lock")}
    development = {name.split("==")[0].split("[")[0] for name in requirements("requirements-dev.lock")}

    def names(wanted: list[str]) -> set[str]:
        return {re.split(r"[<>=\[ ]", requirement)[0].lower() for requirement in wanted}

    assert names(project["dependencies"]) <= runtime
    assert names(project["optional-dependencies"]["dev"]) <= development


def test_package_lock_names_no_host_and_every_package_has_its_hash() -> None:
    text = (REPOSITORY / "package-lock.json").read_text()
    assert "://" not in text
    assert '"resolved"' not in text
    lock = json.loads(text)
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name


def test_package_lock_follows_package_json() -> None:
    wanted = json.loads((REPOSITORY / "package.json").read_text())["dependencies"]
    lock = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]
    assert lock[""]["dependencies"] == wanted
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_npm_writes_locks_without_hosts() -> None:
    assert "omit-lockfile-registry-resolved=true" in (REPOSITORY / ".npmrc").read_text().splitlines()
