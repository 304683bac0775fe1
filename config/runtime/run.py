"""`bin/run`: one command that runs the web server, the worker and the beat together, and stops them together."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import FrameType

from config.runtime import schema, services
from config.runtime.health import BEAT_SCHEDULE, web_answers
from config.runtime.home import REPOSITORY, RuntimeFailure, encours_home, make_home, open_lock
from config.runtime.supervisor import Program, Supervisor

FIRST_PORT = 8000
READY_SECONDS = 60


def main() -> int:
    """Runs until a signal or the repeated death of a child; the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        home = make_home()
        running = _claim(home / "run" / "manager.lock")
        try:
            with services.held() as urls:
                return _serve(running, urls)
        finally:
            os.close(running)
    except RuntimeFailure as failure:
        print(failure, file=sys.stderr)
        return 1


def _serve(running: int, urls: services.ServiceUrls) -> int:
    with _listen() as listener:
        schema.migrate(urls.database)
        accounts = _first_data()
        port = listener.getsockname()[1]
        address = f"http://localhost:{port}/"
        os.ftruncate(running, 0)
        os.pwrite(running, f"{os.getpid()} {address}".encode(), 0)
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": _python_path()}
        environment.setdefault("SITE_URL", address.rstrip("/"))
        (encours_home() / "static").mkdir(exist_ok=True)  # else the web server warns of its absence
        supervisor = Supervisor(_programs(listener), environment)
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, supervisor.ask_to_stop)
            supervisor.start()
            ready = supervisor.run_until(lambda: web_answers(port), READY_SECONDS)
            if ready:
                supervisor.say(_welcome(address, accounts))
            elif not supervisor.stopping:
                supervisor.say(
                    f"L'application ne répond pas encore sur {address} ; voir les messages ci-dessus."
                )
            return supervisor.run()
        finally:
            supervisor.stop()


def _claim(file: Path) -> int:
    """Takes the place of the one manager of this home; a killed one has already lost it."""
    descriptor = open_lock(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid, _, address = os.pread(descriptor, 200, 0).decode().partition(" ")
        os.close(descriptor)
        where = f" à l'adresse {address}" if address else ""
        who = f" (processus {pid})" if pid else ""
        raise RuntimeFailure(
            f"Encours tourne déjà{where}{who} pour le dossier {encours_home()}.\n"
            "Arrêtez-le d'abord, ou donnez un autre dossier à celui-ci avec ENCOURS_HOME."
        ) from None
    os.ftruncate(descriptor, 0)
    return descriptor


def _first_data() -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "config.runtime.first_data"],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": _python_path()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise RuntimeFailure(
            "Les données de démonstration n'ont pas pu être créées : voir le message ci-dessus."
        )
    # The command's last line is for programs.
    return "\n".join(line for line in done.stdout.decode().splitlines() if line and not line.startswith("{"))


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))


def _listen() -> socket.socket:
    """The web server's socket: held here, so that a restarted server finds its port free.

    Raises RuntimeFailure when the port that PORT asks for is taken.
    """
    host = os.environ.get("HOST", "").strip() or "127.0.0.1"
    asked = os.environ.get("PORT", "").strip()
    try:
        ports = [int(asked)] if asked else [*range(FIRST_PORT, FIRST_PORT + 20), 0]
        for port in ports:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, port))
                listener.listen(512)
            except OSError as error:
                listener.close()
                reason = error.strerror
                continue
            listener.set_inheritable(True)
            return listener
    except (ValueError, OverflowError):
        reason = "numéro de port attendu"
    raise RuntimeFailure(
        f"Le port {asked or FIRST_PORT} ne peut pas être ouvert sur {host} ({reason}) : changez PORT."
    )


def _programs(listener: socket.socket) -> list[Program]:
    cores = len(os.sched_getaffinity(0))
    celery = ["celery", "-A", "config.celery:app", "--quiet"]
    # Preloaded: the application is imported once, its workers are forks of it.
    web = ["gunicorn", "config.wsgi:application", "--preload", "--bind", f"fd://{listener.fileno()}"]
    web += ["--worker-class", "gthread", "--threads", "4"]
    web += ["--workers", os.environ.get("WEB_CONCURRENCY") or str(min(cores, 4))]
    web += ["--no-control-socket", "--timeout", "120", "--graceful-timeout", "10", "--log-level", "warning"]
    if os.access("/dev/shm", os.W_OK):
        web += ["--worker-tmp-dir", "/dev/shm"]
    worker = [*celery, "worker", "--concurrency", os.environ.get("WORKER_CONCURRENCY") or str(cores)]
    worker += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    worker += ["--hostname", f"encours-{os.getpid()}@%h"]
    schedule = encours_home() / BEAT_SCHEDULE
    beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile", "", "--schedule", str(schedule)]
    return [
        Program("web", web, listener.fileno()),
        # TERM lets the running task end, QUIT does not: tasks are acknowledged late, another worker takes them.
        Program("worker", worker, hard_stop=signal.SIGQUIT),
        Program("beat", beat),
    ]


def _welcome(address: str, accounts: str) -> str:
    lines = ["", f"Encours est prêt : {address}", ""]
    if accounts:
        lines += ["Comptes pour se connecter :", *(f"  {line}" for line in accounts.splitlines()), ""]
    return "\n".join([*lines, "Ctrl-C pour arrêter."])


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
