"""Which colour and shape a state has on the pages of this floor."""

from dunning.models import Case, Notice, Policy, Run, Simulation, Trial

NOTICE_TONES = {
    Notice.Status.PROPOSED: "watch",
    Notice.Status.APPROVED: "info",
    Notice.Status.RENDERED: "info",
    Notice.Status.SENDING: "info",
    Notice.Status.SENT: "ok",
    Notice.Status.HELD: "blocked",
    Notice.Status.FAILED: "late",
    Notice.Status.REJECTED: "neutral",
}
CASE_TONES = {
    Case.Status.OPENED: "info",
    Case.Status.READY: "watch",
    Case.Status.HANDED_OVER: "blocked",
    Case.Status.RECALLED: "neutral",
    Case.Status.CLOSED: "ok",
}
RUN_TONES = {Run.Status.REQUESTED: "info", Run.Status.PLANNED: "ok", Run.Status.FAILED: "late"}
POLICY_TONES = {
    Policy.Status.DRAFT: "watch",
    Policy.Status.ACTIVE: "ok",
    Policy.Status.RETIRED: "neutral",
}
SIMULATION_TONES = {
    Simulation.Status.REQUESTED: "info",
    Simulation.Status.DONE: "ok",
    Simulation.Status.FAILED: "late",
}
TRIAL_TONES = {Trial.Status.RUNNING: "info", Trial.Status.ENDED: "neutral"}
