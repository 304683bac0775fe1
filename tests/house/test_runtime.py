"""The house on real processes: embedded servers, their users, the process manager."""

import http.client
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.runtime.home import REPOSITORY
from tests.house.machine import ACCOUNTS, Home, answer, free_port, leave, make_home, wait_for


@pytest.fixture
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    with make_home(getattr(request, "param", ACCOUNTS[0])) as made:
        yield made


every_account = pytest.mark.parametrize("home", ACCOUNTS, indirect=True)


@every_account
def test_services_start_keep_their_data_and_stop(home: Home) -> None:
    assert len(str(home.path)) > 107  # longer than any socket's path may be
    first = home.use()
    assert first == {"rows": 1, "encoding": "UTF8", "data": str(home.path / "postgres"), "count": 1}
    assert home.processes() == []
    assert not home.sockets.exists()

    second = home.use()

    assert (second["rows"], second["count"]) == (2, 2)
    assert home.processes() == []
    owner = home.data().stat()
    assert stat.S_IMODE(owner.st_mode) == 0o700
    assert owner.st_uid != 0


@every_account
def test_stale_numbers_of_a_foreign_live_process_are_not_believed(home: Home) -> None:
    home.use()
    owner = home.data().stat()
    more = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    stranger = subprocess.Popen(["sleep", "300"], **more)
    try:
        stale = home.data() / "postmaster.pid"
        stale.write_text(
            f"{stranger.pid}\n{home.data()}\n1700000000\n5432\n{home.sockets}\n\n  1  1\nready   \n"
        )
        os.chown(stale, owner.st_uid, owner.st_gid)
        (home.path / "run" / "redis.pid").write_text(f"{stranger.pid}\n")  # by root, maybe
        home.sockets.mkdir(mode=0o700)
        os.chown(home.sockets, owner.st_uid, owner.st_gid)
        (home.sockets / "redis.sock").touch()

        seen = home.use()

        assert (seen["rows"], seen["count"]) == (2, 2)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_killed_servers_start_again_with_their_data(home: Home) -> None:
    user = home.user()
    answer(user)
    for pid in home.server_pids():
        os.kill(pid, signal.SIGKILL)

    user.kill()
    user.wait()
    seen = home.use()

    assert seen["rows"] == 2
    assert home.processes() == []


@every_account
def test_last_user_stops_the_services_even_after_one_was_killed(home: Home) -> None:
    first, second = home.user(), home.user()
    answer(first)
    answer(second)
    servers = home.server_pids()

    leave(first, {})
    assert home.server_pids() == servers
    assert set(servers) <= set(home.processes())

    second.kill()
    second.wait()
    third = home.user()
    answer(third)
    assert home.server_pids() == servers

    leave(third, {})
    assert home.processes() == []


def test_two_homes_live_side_by_side(home: Home) -> None:
    with make_home(home.account, inside="autre") as other:
        user = home.user()
        answer(user)

        assert other.use()["rows"] == 1

        assert set(home.server_pids()) <= set(home.processes())
        leave(user, {})


def test_deleted_home_under_live_servers_starts_afresh(home: Home) -> None:
    user = home.user()
    answer(user)
    orphans = home.server_pids()
    subprocess.run(["rm", "-rf", str(home.path)], check=True)

    seen = home.use()

    assert (seen["rows"], seen["count"]) == (1, 1)
    assert not set(orphans) & set(home.processes())
    user.kill()
    user.wait()


def test_closed_folder_above_stays_closed() -> None:
    """Root's own home, for one: the database's user cannot pass."""
    with make_home(ACCOUNTS[0], inside="fermé/maison") as home:
        closed = home.path.parent
        closed.chmod(0o700)

        assert home.use()["rows"] == 1
        assert home.use()["rows"] == 2

        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        moved = home.path not in home.data().parents
        assert moved == (os.geteuid() == 0)


def test_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    code = "from config.runtime.home import secret_key; print(secret_key())"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "_ENCOURS_ENV_READ": "1"}
    environment["ENCOURS_HOME"] = str(tmp_path / "maison")
    command = [sys.executable, "-P", "-c", code]

    keys = {subprocess.check_output(command, env=environment, text=True) for _ in range(2)}
    given = subprocess.check_output(command, env=environment | {"SECRET_KEY": "la mienne"}, text=True)

    assert len(keys) == 1
    assert len(keys.pop().strip()) > 50
    assert stat.S_IMODE((tmp_path / "maison" / "secret_key").stat().st_mode) == 0o600
    assert given.strip() == "la mienne"


class Manager:
    """`bin/run` without its set-up."""

    def __init__(self, home: Home, port: int) -> None:
        self.port = port
        self.log = home.path.parent / "run.log"
        self.output = self.log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "config.runtime.run"],
            env=home.environment(PORT=str(port), DEMO="false"),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def is_ready(self) -> bool:
        return wait_for(
            lambda: "Encours est prêt" in self.text() or self.process.poll() is not None, 180
        ) and (self.answers())

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def session(self) -> list[int]:
        """Every live process of the manager's session."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                facts = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if facts[0] != "Z" and int(facts[3]) == self.process.pid:
                found.append(int(folder.name))
        return found

    def children(self, word: str) -> list[int]:
        """Children of the manager whose command names the program."""
        found = []
        for pid in self.session():
            try:
                facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if int(facts[1]) == self.process.pid and word.encode() in command:
                found.append(pid)
        return found


def test_manager_runs_everything_and_leaves_nothing() -> None:
    with make_home(ACCOUNTS[0]) as home:
        manager = Manager(home, free_port())
        assert manager.is_ready(), manager.text()
        assert [len(manager.children(word)) for word in ("gunicorn", "worker", "beat")] == [1, 1, 1]

        refused = Manager(home, free_port())
        refused.log = home.path.parent / "run.log"
        assert refused.process.wait(30) == 1
        assert f"Encours tourne déjà à l'adresse http://localhost:{manager.port}/" in refused.text()

        (web,) = manager.children("gunicorn")
        os.kill(web, signal.SIGKILL)
        assert wait_for(lambda: manager.children("gunicorn") not in ([], [web]) and manager.answers(), 30)

        manager.process.send_signal(signal.SIGINT)
        assert manager.process.wait(40) == 0
        assert wait_for(lambda: manager.session() == [], 2)
        assert home.processes() == []


def test_killed_manager_takes_its_children_along_and_the_next_one_starts() -> None:
    with make_home(ACCOUNTS[0]) as home:
        manager = Manager(home, free_port())
        assert manager.is_ready(), manager.text()

        manager.process.kill()
        manager.process.wait()
        assert wait_for(lambda: manager.session() == [], 60), manager.session()

        following = Manager(home, manager.port)
        assert following.is_ready(), following.text()
        following.process.send_signal(signal.SIGTERM)
        assert following.process.wait(40) == 0
        assert home.processes() == []
