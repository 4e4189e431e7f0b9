"""JSON of readings, corrections and rejections: canonical, versioned, strictly read. Pure.

A reader refuses a schema from the future instead of guessing at it, and bounds the size before
it parses. Keys that it does not know are ignored: within one schema fields may be added, never
changed or taken away.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from tallywire.records import Correction, Reading, Rejection

SCHEMA = 1
GENERATION_HEADER = "generation"  # on readings and rejections; one without it is of g1
MOST_JSON_BYTES = 1024 * 1024
MOST_VOTES = 9_999_999  # more than any station has voters

Message = TypeVar("Message", Reading, Correction, Rejection)

_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Reading, Correction, Rejection)
}


class WireError(ValueError):
    """The bytes are not a message of this kind."""


def encode(message: Reading | Correction | Rejection) -> bytes:
    """Canonical JSON, UTF-8; probabilities of cells are rounded to four decimals."""
    if isinstance(message, Reading):
        message = _rounded(message)
    body = _ADAPTERS[type(message)].dump_python(message, mode="json")
    return canonical({"schema": SCHEMA, **body})


def decode(kind: type[Message], data: bytes | None) -> Message:
    """The message of that kind in `data`.

    Raises:
        WireError: if it is absent, too large, not JSON, of a future schema, or not of that kind.
    """
    if not data or len(data) > MOST_JSON_BYTES:
        raise WireError(f"{len(data or b'')} bytes; expected 1 to {MOST_JSON_BYTES}")
    try:
        _check_schema(json.loads(data, parse_constant=_refuse_constant))
        message: Message = _ADAPTERS[kind].validate_json(data, strict=True)
        _check_values(message)
    except RecursionError:
        raise WireError("nested too deeply") from None
    except ValidationError as error:
        raise WireError(_first_error(error)) from None
    except ValueError as error:  # not JSON, or not UTF-8
        raise WireError(str(error)[:500]) from None
    return message


def canonical(body: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes.

    Raises:
        ValueError: for NaN and infinity, which are not JSON.
    """
    text = json.dumps(
        body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def encode_rejection_headers(rejection: Rejection) -> list[tuple[str, bytes]]:
    """The headers of a message on `tally.rejected`; its key and value are the scan's own bytes."""
    headers = {
        "schema": str(SCHEMA),
        "original-topic": rejection.source.topic,
        "original-partition": str(rejection.source.partition),
        "original-offset": str(rejection.source.offset),
        "reason": rejection.reason.code.value,
        "message": rejection.reason.message,
        "attempts": str(rejection.attempts),
        "rejection": encode(rejection).decode(),
    }
    return [(name, text.encode()) for name, text in headers.items()]


def _check_schema(body: Any) -> None:
    schema = body.get("schema") if isinstance(body, dict) else None
    if type(schema) is not int or not 1 <= schema <= SCHEMA:
        raise WireError(f"schema {str(schema)[:40]!r}; this version reads 1 to {SCHEMA}")


def _refuse_constant(name: str) -> None:
    raise WireError(f"{name} is not JSON")


def _check_values(message: Reading | Correction | Rejection) -> None:
    """What the types cannot say. A number too large for Redis would stop a partition for ever."""
    times: tuple[datetime, ...]
    numbers: list[int]
    if isinstance(message, Correction):
        times = (message.decided_at,)
        numbers = [*(message.before or {}).values(), *(message.votes or {}).values()]
    elif isinstance(message, Reading):
        times = (message.captured_at, message.published_at)
        found = [(count.written, count.value, count.runner_up) for count in message.counts]
        numbers = [number for three in found for number in three if number is not None]
    else:
        times, numbers = (message.published_at,), []
    if any(time.tzinfo is None for time in times):
        raise WireError("a time without a time zone")
    if any(not 0 <= number <= MOST_VOTES for number in numbers):
        raise WireError(f"a count outside 0 to {MOST_VOTES}")


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "message"
    return f"{where}: {first['msg']} ({error.error_count()} problems)"[:500]


def _rounded(reading: Reading) -> Reading:
    return replace(
        reading,
        confidence=round(reading.confidence, 6),
        error_probability=round(reading.error_probability, 9),
        counts=tuple(
            replace(
                count,
                confidence=round(count.confidence, 6),
                probability=round(count.probability, 9),
                cells=tuple(tuple(round(p, 4) for p in cell) for cell in count.cells),
            )
            for count in reading.counts
        ),
    )
