"""The Celery app and its schedule. Tasks are sweeps over states; being late or run twice is harmless."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("encours")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Threads of the web server have no current app of their own.
app.set_default()

# A sweep asked for again before it was begun is asked for once: ticks do not pile up while the workers are away.
EVERY_HALF_MINUTE = {"schedule": 30.0, "options": {"expires": 30}}
EVERY_MINUTE = {"schedule": 60.0, "options": {"expires": 60}}
EVERY_FIVE_MINUTES = {"schedule": 300.0, "options": {"expires": 300}}

app.conf.beat_schedule = {
    "read-invoice-batches": {"task": "invoices.tasks.read_batches", **EVERY_HALF_MINUTE},
    "commit-invoice-batches": {"task": "invoices.tasks.commit_batches", **EVERY_HALF_MINUTE},
    "roll-back-invoice-batches": {"task": "invoices.tasks.roll_back_batches", **EVERY_HALF_MINUTE},
    "read-bank-files": {"task": "invoices.tasks.read_bank_files", **EVERY_HALF_MINUTE},
    "sweep-drop-folders": {"task": "invoices.tasks.sweep_drop_folders", **EVERY_MINUTE},
    "attach-einvoice-statuses": {"task": "invoices.tasks.attach_einvoice_statuses", **EVERY_MINUTE},
    "match-bank-lines": {"task": "invoices.tasks.match_bank_lines", **EVERY_MINUTE},
    "match-credits": {"task": "invoices.tasks.match_credits", "schedule": crontab(hour="2", minute="30")},
    "store-ageing": {"task": "invoices.tasks.store_ageing", "schedule": crontab(hour="0", minute="20")},
    "forget-staged-rows": {
        "task": "invoices.tasks.forget_staged_rows",
        "schedule": crontab(hour="2", minute="10"),
    },
    "reconcile-balances": {"task": "invoices.tasks.reconcile", "schedule": crontab(hour="1", minute="0")},
    "settle-promises": {"task": "invoices.tasks.settle_promises", "schedule": crontab(hour="0", minute="40")},
    "settle-returns": {"task": "invoices.tasks.settle_returns", **EVERY_MINUTE},
    "settle-plans": {"task": "invoices.tasks.settle_plans", "schedule": crontab(minute="50")},
    "sweep-limits": {"task": "risk.tasks.sweep_limits", "schedule": crontab(hour="0-5", minute="5")},
    "simulate-limits": {"task": "risk.tasks.simulate_limits", **EVERY_MINUTE},
    "tell-formal-notices": {
        "task": "dunning.tasks.tell_formal_notices",
        "schedule": crontab(hour="1", minute="20"),
    },
    "score-customers": {"task": "risk.tasks.score_customers", "schedule": crontab(hour="1", minute="30")},
    "forecast-payments": {
        "task": "risk.tasks.forecast_payments",
        "schedule": crontab(hour="3", minute="10"),
    },
    "train-payment-model": {
        "task": "risk.tasks.train_payment_model",
        "schedule": crontab(hour="2", minute="40", day_of_week="sunday"),
    },
    "sweep-watch-folder": {"task": "risk.tasks.sweep_watch_folder", **EVERY_MINUTE},
    "read-bodacc": {"task": "risk.tasks.read_bodacc", "schedule": crontab(hour="6-22", minute="20")},
    "read-directory": {"task": "risk.tasks.read_directory", "schedule": crontab(minute="40")},
    "settle-orders": {"task": "risk.tasks.settle_orders", **EVERY_FIVE_MINUTES},
    "sweep-holds": {"task": "risk.tasks.sweep_holds", "schedule": crontab(hour="2", minute="50")},
    "run-card-simulations": {"task": "risk.tasks.run_card_simulations", **EVERY_MINUTE},
    "compute-provisions": {"task": "risk.tasks.compute_provisions", **EVERY_MINUTE},
    "plan-dunning": {"task": "dunning.tasks.plan_nightly_runs", "schedule": crontab(hour="4-22", minute="0")},
    "plan-requested-runs": {"task": "dunning.tasks.plan_requested_runs", **EVERY_HALF_MINUTE},
    "run-simulations": {"task": "dunning.tasks.run_simulations", **EVERY_MINUTE},
    "render-letters": {"task": "dunning.tasks.render_letters", **EVERY_HALF_MINUTE},
    "send-letters": {"task": "dunning.tasks.send_letters", **EVERY_HALF_MINUTE},
    "hold-outdated-notices": {"task": "dunning.tasks.hold_outdated_notices", **EVERY_FIVE_MINUTES},
    "send-texts": {"task": "dunning.tasks.send_texts", **EVERY_MINUTE},
    "read-mail-reports": {"task": "dunning.tasks.read_mail_reports", **EVERY_MINUTE},
    "build-dossiers": {"task": "dunning.tasks.build_dossiers", **EVERY_MINUTE},
    "move-post-batches": {"task": "dunning.tasks.move_post_batches", **EVERY_MINUTE},
    "sweep-post-answers": {"task": "dunning.tasks.sweep_post_answers", **EVERY_MINUTE},
    "send-e-registered-letters": {"task": "dunning.tasks.send_e_registered_letters", **EVERY_MINUTE},
    "follow-e-registered-letters": {
        "task": "dunning.tasks.follow_e_registered_letters",
        "schedule": crontab(minute="35"),
    },
}
