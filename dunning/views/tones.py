"""Which colour and shape a state has on the pages of this floor."""

from dunning.models import Case, Delivery, Notice, Policy, PostBatch, Run, Simulation, Trial

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
RUN_TONES = {
    Run.Status.REQUESTED: "info",
    Run.Status.GUARDED: "watch",
    Run.Status.PLANNED: "ok",
    Run.Status.CANCELLED: "neutral",
    Run.Status.FAILED: "late",
}
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
BATCH_TONES: dict[str, str] = {
    PostBatch.Status.PREPARED: "watch",
    PostBatch.Status.HANDED: "info",
    PostBatch.Status.ACKNOWLEDGED: "ok",
    PostBatch.Status.REFUSED: "late",
}
DELIVERY_TONES: dict[str, str] = {
    Delivery.Status.STARTED: "watch",
    Delivery.Status.SENT: "info",
    Delivery.Status.HANDED: "info",
    Delivery.Status.DELIVERED: "ok",
    Delivery.Status.RETRY: "watch",
    Delivery.Status.FAILED: "late",
    Delivery.Status.RETURNED: "late",
}
