"""The closed set of reasons why a scan was refused or a reading held.

A reason carries its evidence, so that an official can see what was found and what was expected
without opening a log. Codes are part of the wire contract: add, never rename.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Evidence = str | int | float | bool | None


class Code(StrEnum):
    """Stable codes. `REFUSALS` never become a reading; `DOUBTS` hold a reading for review."""

    # The message is not a scan that can be opened.
    EMPTY_VALUE = "empty_value"
    VALUE_TOO_LARGE = "value_too_large"
    BAD_HEADER = "bad_header"
    FUTURE_SCHEMA = "future_schema"
    STATION_MISSING = "station_missing"
    UNKNOWN_STATION = "unknown_station"
    UNKNOWN_CONTEST = "unknown_contest"
    SCAN_ID_MISMATCH = "scan_id_mismatch"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED_IMAGE = "truncated_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    # The image is not the sheet we were told to read.
    MARKS_NOT_FOUND = "marks_not_found"
    WRONG_FORM = "wrong_form"
    # The message broke our own code; kept for repair, never lost.
    INTERNAL_ERROR = "internal_error"

    # The sheet was read, and a person should look.
    BLANK_SHEET = "blank_sheet"
    MISSING_COUNT = "missing_count"
    DOUBTFUL_COUNT = "doubtful_count"
    DOUBTFUL_SHEET = "doubtful_sheet"
    TOTAL_MISMATCH = "total_mismatch"
    OVER_REGISTERED = "over_registered"
    OVER_LIMIT = "over_limit"
    FIELD_MISPLACED = "field_misplaced"
    # The ledger already counts another image of this station.
    CONFLICTING_SCAN = "conflicting_scan"


DOUBTS = frozenset(
    {
        Code.BLANK_SHEET,
        Code.MISSING_COUNT,
        Code.DOUBTFUL_COUNT,
        Code.DOUBTFUL_SHEET,
        Code.TOTAL_MISMATCH,
        Code.OVER_REGISTERED,
        Code.OVER_LIMIT,
        Code.FIELD_MISPLACED,
        Code.CONFLICTING_SCAN,
    }
)
REFUSALS = frozenset(Code) - DOUBTS


@dataclass(frozen=True, slots=True)
class Reason:
    """One coded reason.

    `message` is one plain English sentence for an official; `evidence` holds the measured values
    behind it (JSON scalars only), for example `{"total_read": 250, "sum_read": 252}`.
    """

    code: Code
    message: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict)

    @property
    def refuses(self) -> bool:
        """True where the scan gives no reading at all."""
        return self.code in REFUSALS
