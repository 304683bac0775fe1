"""Celery as in production, but quick: sweeps come every second, and the clock is as far from the true one as a file says.

`python -m bench._shifted_celery OFFSET_FILE ARGUMENT…`; the file holds seconds, read at every look at the clock.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path


def main() -> None:
    offset_file, arguments = Path(sys.argv[1]), sys.argv[2:]

    from django.utils import timezone

    true_now = timezone.now

    def shifted() -> datetime:
        try:
            seconds = float(offset_file.read_text())
        except (OSError, ValueError):
            seconds = 0.0
        return true_now() + timedelta(seconds=seconds)

    timezone.now = shifted
    from config.celery import app

    app.now = lambda: timezone.localtime(shifted())
    for entry in app.conf.beat_schedule.values():
        entry["schedule"] = 1.0 if isinstance(entry["schedule"], float) else 10.0
        entry["options"] = {"expires": 5}
    app.conf.beat_max_loop_interval = 0.5
    app.start(arguments)


if __name__ == "__main__":
    main()
