"""Why a reading is held: a closed list of reasons, each with what was found and expected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tallywire.reading.policy import Policy
from tallywire.reasons import Code, Reason
from tallywire.records import BLANK, Count
from tallywire.sheet.layout import EmptyRow, Layout, SumRule
from tallywire.sheet.local_fit import FieldPlace


def judge(
    counts: Sequence[Count],
    error_probability: float,
    adds_up: float,
    layout: Layout,
    registered: int,
    policy: Policy,
    misplaced: Sequence[FieldPlace] = (),
) -> tuple[Reason, ...]:
    """Every reason to hold the reading; none means it is accepted.

    Args:
        counts: of all fields of the layout.
        error_probability: that at least one value is wrong, 0 to 1.
        adds_up: probability that the paper adds up, 0 to 1.
        registered: voters of the station.
        misplaced: fields that may have been cut beside their place.
    """
    beside = tuple(_misplaced(misplaced))
    if _blank(counts, layout):
        return (Reason(Code.BLANK_SHEET, "Nothing is written on the sheet."), *beside)
    return (
        *beside,
        *_missing(counts),
        *_doubtful(counts, policy),
        *_sums(counts, adds_up, layout),
        *_equals(counts, adds_up, layout),
        *_over_limits(counts, layout),
        *_over_registered(counts, layout, registered),
        *_doubtful_sheet(error_probability, policy),
    )


def _blank(counts: Sequence[Count], layout: Layout) -> bool:
    """Where an empty row is a zero, a sheet of them is still one that nobody has filled in."""
    if layout.empty_row is EmptyRow.ZERO:
        return all(
            max(range(11), key=cell.__getitem__) == BLANK for c in counts for cell in c.cells
        )
    return all(count.value is None for count in counts)


def _misplaced(places: Sequence[FieldPlace]) -> Iterator[Reason]:
    for place in places:
        yield Reason(
            Code.FIELD_MISPLACED,
            f"Row {place.field!r} may lie elsewhere on the image than where it was read.",
            {
                "field": place.field,
                "residual_mm": round(place.residual_mm, 3),
                "print_agreeing": round(place.agreed, 3),
            },
        )


def _missing(counts: Sequence[Count]) -> Iterator[Reason]:
    for count in counts:
        if count.value is None:
            yield Reason(
                Code.MISSING_COUNT,
                f"Row {count.field!r} is empty; it is not taken for a zero.",
                {"field": count.field, "probability": round(count.probability, 4)},
            )


def _doubtful(counts: Sequence[Count], policy: Policy) -> Iterator[Reason]:
    for count in counts:
        if count.probability < policy.min_count_probability:
            yield Reason(
                Code.DOUBTFUL_COUNT,
                f"Row {count.field!r} reads {count.value}, but may be {count.runner_up}.",
                {
                    "field": count.field,
                    "value": count.value,
                    "runner_up": count.runner_up,
                    "probability": round(count.probability, 4),
                    "limit": policy.min_count_probability,
                },
            )


def _sums(counts: Sequence[Count], adds_up: float, layout: Layout) -> Iterator[Reason]:
    values = {count.field: count.value or 0 for count in counts}
    for rule in layout.sum_rules:
        found = sum(values[part] for part in rule.parts)
        if found != values[rule.total]:
            yield _mismatch(rule, found, values[rule.total], adds_up)


def _mismatch(rule: SumRule, found: int, written: int, adds_up: float) -> Reason:
    return Reason(
        Code.TOTAL_MISMATCH,
        f"Row {rule.total!r} says {written}, but its rows sum to {found}.",
        {
            "rule": rule.id,
            "total": written,
            "sum": found,
            "difference": written - found,
            "adds_up_probability": round(adds_up, 4),
        },
    )


def _equals(counts: Sequence[Count], adds_up: float, layout: Layout) -> Iterator[Reason]:
    values = {count.field: count.value or 0 for count in counts}
    for rule in layout.equal_rules:
        first, *others = rule.fields
        for other in others:
            if values[first] != values[other]:
                yield Reason(
                    Code.TOTAL_MISMATCH,
                    f"Rows {first!r} and {other!r} must agree,"
                    f" but say {values[first]} and {values[other]}.",
                    {
                        "rule": rule.id,
                        "total": values[first],
                        "sum": values[other],
                        "difference": values[first] - values[other],
                        "adds_up_probability": round(adds_up, 4),
                    },
                )


def _over_limits(counts: Sequence[Count], layout: Layout) -> Iterator[Reason]:
    values = {count.field: count.value or 0 for count in counts}
    for rule in layout.at_most_rules:
        value, limit = values[rule.field], values[rule.limit]
        if value > limit:
            yield Reason(
                Code.OVER_LIMIT,
                f"Row {rule.field!r} says {value}, but may be at most {limit},"
                f" as row {rule.limit!r} says.",
                {"rule": rule.id, "field": rule.field, "value": value, "limit": limit},
            )


def _over_registered(counts: Sequence[Count], layout: Layout, registered: int) -> Iterator[Reason]:
    values = {count.field: count.value or 0 for count in counts}
    limits = {rule.field: registered + rule.tolerance for rule in layout.cap_rules}
    most = max(limits.values(), default=registered)
    cast = sum(count.value or 0 for count in counts if count.option is not None)
    found = {field: (values[field], limit) for field, limit in limits.items()}
    found["all options"] = (cast, most)
    for field, (value, limit) in found.items():
        if value > limit:
            yield Reason(
                Code.OVER_REGISTERED,
                f"{field}: {value} votes, but {registered} voters are registered.",
                {"field": field, "value": value, "registered": registered, "limit": limit},
            )


def _doubtful_sheet(error_probability: float, policy: Policy) -> Iterator[Reason]:
    if error_probability > policy.max_error_probability:
        yield Reason(
            Code.DOUBTFUL_SHEET,
            f"The chance of an error somewhere on the sheet is {error_probability:.1%};"
            f" {policy.max_error_probability:.1%} is allowed.",
            {
                "error_probability": round(error_probability, 6),
                "limit": policy.max_error_probability,
            },
        )
