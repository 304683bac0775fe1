"""The audit in words: each app’s `verbs.py` names its verbs, this module writes events for timelines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext as _

from core.models import AuditEvent
from core.money import format_amount


@dataclass(frozen=True)
class Told:
    """An event as a timeline shows it."""

    when: datetime
    title: str
    actor: str
    text: str
    tone: str


@cache
def verb_table() -> dict[str, tuple[Any, str]]:
    """Every verb that an app has named: its words and its tone."""
    table: dict[str, tuple[Any, str]] = {}
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "verbs"):
            table.update(import_module(f"{config.name}.verbs").VERBS)
    return table


def verb_words(verb: str) -> str:
    """What the verb says; the verb itself when no app has named it."""
    return str(verb_table().get(verb, (verb, ""))[0])


def told(events: Iterable[AuditEvent]) -> list[Told]:
    """Events in words, for the `timeline` tag."""
    return [
        Told(
            when=event.occurred_at,
            title=verb_words(event.verb),
            actor=event.actor_name,
            text=_text(event.data),
            tone=verb_table().get(event.verb, ("", ""))[1],
        )
        for event in events
    ]


def _text(data: dict[str, Any]) -> str:
    """The few words of an event that people look for: number, amount, date, reason."""
    parts = [
        str(data[name])
        for name in ("number", "reference", "credit", "debit", "account_code", "name", "file", "email")
        if isinstance(data.get(name), str) and data[name]
    ]
    amount = _amount(data.get("amount"))
    if amount is not None:
        parts.append(format_amount(amount, data.get("currency") or None))
    for name, words in (
        ("promised_date", _("pour le %(day)s")),
        ("until", _("jusqu’au %(day)s")),
        ("judgment_date", _("jugement du %(day)s")),
    ):
        day = data.get(name)
        if isinstance(day, str) and len(day) == 10:
            parts.append(words % {"day": "/".join(reversed(day.split("-")))})
    text = " · ".join(parts)
    for name in ("reason", "outcome", "note"):
        if isinstance(data.get(name), str) and data[name]:
            shown = data[name] if not data[name].isupper() else ""
            text = ". ".join(part for part in (text, shown) if part)
    return text


def _amount(value: object) -> Decimal | None:
    if not isinstance(value, str):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None
