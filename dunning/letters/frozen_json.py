"""Canonical JSON of frozen dataclasses: the same value gives the same bytes, and comes back equal.

Keys are sorted, separators are tight, text stays UTF-8, `Decimal` and `date` are strings, so that the
SHA-256 of a stored context is stable from one process to the next.
"""

import dataclasses
import functools
import hashlib
import json
import types
import typing
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum

T = typing.TypeVar("T")


class FrozenJsonError(ValueError):
    """The text is not the JSON of the dataclass asked for; the message names the place."""


def to_canonical_json(value: object) -> str:
    """Return the canonical JSON text of a frozen dataclass."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def from_canonical_json(cls: type[T], text: str) -> T:
    """Build `cls` from JSON text.

    A key with a default may be absent, so that documents frozen before a field existed stay readable.
    Raises FrozenJsonError when a key is missing, unknown or of another type.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise FrozenJsonError(f"not JSON: {error}") from error
    return _build(cls, data, cls.__name__)


def sha256_of(value: object) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON of a frozen dataclass."""
    return hashlib.sha256(to_canonical_json(value).encode()).hexdigest()


def _plain(value):
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | bool):
        return value
    raise TypeError(f"no canonical JSON for {type(value).__name__}")


@functools.cache
def _hints(cls: type) -> dict[str, object]:
    return typing.get_type_hints(cls)


def _build(kind, data, place):
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(kind, data, place)
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        if data is None:
            return None
        (inner,) = [part for part in typing.get_args(kind) if part is not type(None)]
        return _build(inner, data, place)
    if origin is tuple:
        if not isinstance(data, list):
            raise FrozenJsonError(f"{place}: a list is expected")
        inner = typing.get_args(kind)[0]
        return tuple(_build(inner, item, f"{place}[{index}]") for index, item in enumerate(data))
    try:
        if kind is Decimal and isinstance(data, str):
            return Decimal(data)
        if kind is date and isinstance(data, str):
            return date.fromisoformat(data)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind(data)
    except (InvalidOperation, ValueError) as error:
        raise FrozenJsonError(f"{place}: {data!r} is not a {kind.__name__}") from error
    if kind in (str, int, bool) and type(data) is kind:
        return data
    raise FrozenJsonError(f"{place}: {data!r} is not a {kind.__name__}")


def _build_dataclass(cls, data, place):
    if not isinstance(data, dict):
        raise FrozenJsonError(f"{place}: an object is expected")
    hints = _hints(cls)
    required = {
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    if wrong := (required - set(data)) | (set(data) - set(hints)):
        raise FrozenJsonError(f"{place}: missing or unknown keys: {', '.join(sorted(wrong))}")
    return cls(**{name: _build(hints[name], data[name], f"{place}.{name}") for name in data})
