"""Tasks are asked for by name: each name that the schedule or an operation says must be a task."""

import re
from pathlib import Path

from config.celery import app

REPOSITORY = Path(__file__).resolve().parents[2]
KICK = re.compile(r"""kick\(\s*["']([\w.]+)["']""")


def registered() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_the_schedule_names_tasks_that_exist() -> None:
    named = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert named
    assert named - registered() == set()


def test_kicks_name_tasks_that_exist() -> None:
    kicked = {
        name
        for floor in ("core", "customers", "invoices", "risk", "dunning", "config")
        for path in (REPOSITORY / floor).rglob("*.py")
        for name in KICK.findall(path.read_text(encoding="utf-8"))
    }
    assert {"dunning.tasks.render_letters", "dunning.tasks.send_letters"} <= kicked
    assert kicked - registered() - {"app.tasks.name"} == set()


def test_every_sweep_that_moves_documents_is_scheduled() -> None:
    """Without its beat entry, losing one message to the broker would lose the work it stood for."""
    named = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert registered() - named == set()
