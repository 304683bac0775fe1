"""Which colour and shape a class of risk has on the pages of this floor."""

from risk.models import Score

CLASS_TONES = {
    Score.RiskClass.A: "ok",
    Score.RiskClass.B: "ok",
    Score.RiskClass.C: "watch",
    Score.RiskClass.D: "late",
    Score.RiskClass.E: "blocked",
}


def class_tone(risk_class: str) -> str:
    return CLASS_TONES[Score.RiskClass(risk_class)] if risk_class else "neutral"
