"""Policies in words: a level's moment, the conditions, and the difference of two versions, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.money import MINUS, format_amount
from customers.models import Customer
from dunning.models import Level, Policy
from dunning.policy_content import LEVEL_FIELDS, POLICY_FIELDS, Content


@dataclass(frozen=True)
class Change:
    """One thing that two versions say differently; `where` names the level, or is empty."""

    where: str
    label: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.label:
            return (
                _("%(where)s : ajouté") % {"where": self.where}
                if self.after
                else (_("%(where)s : retiré") % {"where": self.where})
            )
        told = _("%(label)s : %(before)s → %(after)s") % {
            "label": self.label,
            "before": self.before or "–",
            "after": self.after or "–",
        }
        return f"{self.where}, {told}" if self.where else told


def mark(level: Mapping[str, Any]) -> str:
    """The level's moment as the ladder's rungs show it: « J−5 », « J+15 », « FM+10 », « +8 j »."""
    days = int(level["delay_days"])
    signed = f"{'+' if days >= 0 else MINUS}{abs(days)}"
    if level["delay_from"] == Level.DelayFrom.PREVIOUS:
        return _("%(days)s j") % {"days": signed}
    if level["delay_from"] == Level.DelayFrom.END_OF_MONTH:
        return _("FM%(days)s") % {"days": signed}
    return _("J%(days)s") % {"days": signed} if days else _("J")


def moment(level: Mapping[str, Any]) -> str:
    """The level's moment as a sentence."""
    days, gap = int(level["delay_days"]), int(level["gap_days"])
    if level["delay_from"] == Level.DelayFrom.PREVIOUS:
        days = max(days, gap)
        return ngettext(
            "%(days)s jour après l’envoi du niveau précédent",
            "%(days)s jours après l’envoi du niveau précédent",
            days,
        ) % {"days": days}
    if level["delay_from"] == Level.DelayFrom.END_OF_MONTH:
        told = ngettext(
            "%(days)s jour après la fin du mois de l’échéance",
            "%(days)s jours après la fin du mois de l’échéance",
            days,
        ) % {"days": days}
    elif days < 0:
        told = ngettext("%(days)s jour avant l’échéance", "%(days)s jours avant l’échéance", -days) % {
            "days": -days
        }
    elif days == 0:
        told = _("le jour de l’échéance")
    else:
        told = ngettext("%(days)s jour après l’échéance", "%(days)s jours après l’échéance", days) % {
            "days": days
        }
    if gap:
        told += ngettext(
            ", et au moins %(days)s jour après l’envoi du niveau précédent",
            ", et au moins %(days)s jours après l’envoi du niveau précédent",
            gap,
        ) % {"days": gap}
    return told


def claims(level: Mapping[str, Any]) -> str:
    """What the level asks for."""
    asked = [_("le principal")]
    if level["claims_interest"]:
        asked.append(_("les pénalités"))
    if level["claims_indemnity"]:
        asked.append(_("l’indemnité"))
    if len(asked) == 1:
        return asked[0]
    return _("%(first)s et %(last)s") % {"first": ", ".join(asked[:-1]), "last": asked[-1]}


def conditions(content: Content, entity_name: str = "") -> list[str]:
    """Which customers it takes: one phrase per condition, none when it takes everybody."""
    phrases = []
    if content["legal_entity"]:
        phrases.append(_("clients de %(entity)s") % {"entity": entity_name or content["legal_entity"]})
    if content["customer_kind"]:
        phrases.append(
            _("nature : %(kind)s")
            % {"kind": dict(Customer.Kind.choices).get(content["customer_kind"], content["customer_kind"])}
        )
    if content["segment"]:
        phrases.append(_("segment « %(segment)s »") % {"segment": content["segment"]})
    if content["risk_class"]:
        phrases.append(_("classe de risque %(risk)s") % {"risk": content["risk_class"]})
    if content["countries"]:
        phrases.append(_("établis en %(countries)s") % {"countries": ", ".join(content["countries"])})
    phrases += _range(
        content["overdue_from"],
        content["overdue_below"],
        (
            _("échu d’au moins %(least)s"),
            _("échu de moins de %(most)s"),
            _("échu de %(least)s à moins de %(most)s"),
        ),
        _money,
    )
    if content["turnover_share_from"]:
        phrases.append(
            _("au moins %(share)s % du chiffre d’affaires").replace(
                "%(share)s", _number(content["turnover_share_from"])
            )
        )
    phrases += _range(
        content["oldest_days_from"],
        content["oldest_days_below"],
        (
            _("plus ancien retard d’au moins %(least)s jours"),
            _("plus ancien retard de moins de %(most)s jours"),
            _("plus ancien retard de %(least)s à moins de %(most)s jours"),
        ),
        str,
    )
    return phrases


def sending_times(content: Content) -> str:
    """« du lundi au vendredi, de 08:00 à 18:00, hors jours fériés »."""
    days = sorted(int(day) for day in content["sending_weekdays"])
    names = [str(_weekday(day)) for day in days]
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        told = _("du %(first)s au %(last)s") % {"first": names[0], "last": names[-1]}
    else:
        told = _("les %(days)s") % {"days": ", ".join(names)} if len(names) > 1 else "".join(names)
    told += _(", de %(from)s à %(until)s") % {
        "from": content["sending_from"],
        "until": content["sending_until"],
    }
    return told + ("" if content["sends_on_holidays"] else _(", hors jours fériés"))


def differences(old: Content, new: Content) -> list[Change]:
    """What `new` says otherwise than `old`: the policy's fields, then its levels in their new order."""
    changes = [
        Change("", _label(Policy, name), written(Policy, name, old[name]), written(Policy, name, new[name]))
        for name in POLICY_FIELDS
        if old[name] != new[name]
    ]
    for before, after in _paired(old["levels"], new["levels"]):
        if before is None and after is not None:
            changes.append(Change(_level_name(after, new["levels"]), "", "", mark(after)))
        elif after is None and before is not None:
            changes.append(Change(_level_name(before, old["levels"]), "", mark(before), ""))
        elif before is not None and after is not None:
            where = _level_name(after, new["levels"])
            changes += [
                Change(
                    where,
                    _label(Level, name),
                    written(Level, name, before[name]),
                    written(Level, name, after[name]),
                )
                for name in LEVEL_FIELDS
                if before[name] != after[name]
            ]
    return changes


def other_next_steps(old: Content, new: Content) -> list[str]:
    """What an item that has climbed the old ladder takes next, where the new one says another level at that rank."""
    told = []
    for rank, done in enumerate(old["levels"], 1):
        before = old["levels"][rank]["kind"] if rank < len(old["levels"]) else None
        after = new["levels"][rank]["kind"] if rank < len(new["levels"]) else None
        if before == after:
            continue
        names = {
            "rank": rank,
            "done": Level.Kind(done["kind"]).label,
            "before": _("plus rien") if before is None else Level.Kind(before).label,
            "after": _("plus rien") if after is None else Level.Kind(after).label,
        }
        told.append(_("après le niveau %(rank)s (%(done)s) : %(after)s, et non %(before)s") % names)
    return told


def written(model: type[Policy] | type[Level], name: str, value: Any) -> str:
    """A field's value as people read it."""
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return _("oui") if value else _("non")
    if isinstance(value, list):
        return ", ".join(value)
    if name in _AMOUNTS:
        return _money(value)
    if name == "customer_kind":
        return str(dict(Customer.Kind.choices).get(value, value))
    if name == "sending_weekdays":
        return ", ".join(str(_weekday(int(day))) for day in sorted(value))
    field: Any = model._meta.get_field(name)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return f"{MINUS}{-value}" if isinstance(value, int) and value < 0 else str(value)


_AMOUNTS = frozenset({"minimum_amount", "maximum_amount", "overdue_from", "overdue_below"})
_LevelContent = dict[str, Any]


def _paired(
    old: list[_LevelContent], new: list[_LevelContent]
) -> list[tuple[_LevelContent | None, _LevelContent | None]]:
    """Levels set side by side, in their order, with the fewest words to tell the difference."""
    costs: dict[tuple[int, int], tuple[int, tuple[int, int]]] = {(0, 0): (0, (0, 0))}
    for i in range(len(old) + 1):
        for j in range(len(new) + 1):
            reached = []
            if i:
                reached.append((costs[i - 1, j][0] + _ALONE, (i - 1, j)))
            if j:
                reached.append((costs[i, j - 1][0] + _ALONE, (i, j - 1)))
            if i and j:
                reached.append((costs[i - 1, j - 1][0] + _distance(old[i - 1], new[j - 1]), (i - 1, j - 1)))
            if reached:
                costs[i, j] = min(reached)
    pairs: list[tuple[_LevelContent | None, _LevelContent | None]] = []
    at = (len(old), len(new))
    while at != (0, 0):
        before = costs[at][1]
        pairs.append(
            (old[before[0]] if before[0] < at[0] else None, new[before[1]] if before[1] < at[1] else None)
        )
        at = before
    return pairs[::-1]


# A level added or removed counts as three fields changed; another kind of level is hardly the same one.
_ALONE = 3


def _distance(before: _LevelContent, after: _LevelContent) -> int:
    changed = sum(before[name] != after[name] for name in LEVEL_FIELDS)
    return changed + (4 if before["kind"] != after["kind"] else 0)


def _level_name(level: _LevelContent, levels: list[_LevelContent]) -> str:
    rank = next(index for index, other in enumerate(levels, 1) if other is level)
    return _("Niveau %(rank)s (%(kind)s)") % {"rank": rank, "kind": Level.Kind(level["kind"]).label}


def _label(model: type[Policy] | type[Level], name: str) -> str:
    label = str(model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    return label[:1].upper() + label[1:]


def _range(least: Any, most: Any, words: tuple[str, str, str], written_as: Any) -> list[str]:
    if least is None and most is None:
        return []
    chosen = words[1] if least is None else words[0] if most is None else words[2]
    values = {
        "least": "" if least is None else written_as(least),
        "most": "" if most is None else written_as(most),
    }
    return [chosen % values]


def _money(value: str | Decimal) -> str:
    return format_amount(Decimal(value), None)


def _number(value: str) -> str:
    return format_amount(Decimal(value), None).removesuffix(",00").removesuffix(".00")


def _weekday(number: int) -> str:
    return {
        1: _("lundi"),
        2: _("mardi"),
        3: _("mercredi"),
        4: _("jeudi"),
        5: _("vendredi"),
        6: _("samedi"),
        7: _("dimanche"),
    }[number]
