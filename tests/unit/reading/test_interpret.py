"""From probabilities to a verdict, as an official would check it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.reasons import Code
from tallywire.records import Quality, Verdict
from tallywire.sheet.layout import (
    AtMostRule,
    EmptyRow,
    EqualRule,
    Field,
    Filler,
    Layout,
    Role,
    SumRule,
)
from tallywire.sheet.local_fit import FieldPlace
from tests.support.cell_probabilities import doubt, make_layout, sheet

LAYOUT = make_layout(3, 3, cap=True)
GOOD = ["120", "045", "__3", "168"]


def read(rows: list[str], registered: int = 700, sure: float = 0.9999) -> Interpretation:
    return interpret(sheet(rows, sure), LAYOUT, registered, Policy())


def codes(found: Interpretation) -> list[Code]:
    return [reason.code for reason in found.reasons]


def values(found: Interpretation) -> list[int | None]:
    return [count.value for count in found.counts]


def test_a_clear_sheet_that_adds_up_is_accepted() -> None:
    found = read(GOOD)
    assert found.verdict is Verdict.ACCEPTED
    assert found.reasons == ()
    assert values(found) == [120, 45, 3, 168]
    assert found.quality is Quality.HIGH
    assert found.error_probability < 0.001


def test_arithmetic_decides_a_doubtful_digit_and_says_so() -> None:
    found = interpret(doubt(sheet(GOOD, 0.9999), 1, {7: 0.6, 2: 0.4}), LAYOUT, 700, Policy())
    count = found.counts[0]
    assert (count.written, count.value, count.changed_by) == (170, 120, "adds_up")
    assert count.runner_up == 170
    assert found.adds_up > 0.95


def test_a_paper_that_does_not_add_up_is_held_and_recorded_as_written() -> None:
    found = read(["120", "045", "003", "178"], sure=0.999999)
    assert found.verdict is Verdict.HELD
    assert values(found) == [120, 45, 3, 178]
    assert all(count.changed_by is None for count in found.counts)
    reason = found.reasons[0]
    assert reason.code is Code.TOTAL_MISMATCH
    assert reason.evidence["sum"] == 168
    assert reason.evidence["total"] == 178
    assert found.adds_up < 0.01


def test_an_empty_row_is_reported_even_where_arithmetic_would_make_it_a_zero() -> None:
    found = read(["120", "045", "___", "165"])
    assert Code.MISSING_COUNT in codes(found)
    assert values(found)[2] is None


def test_a_blank_sheet_is_held_as_such() -> None:
    assert codes(read(["___"] * 4)) == [Code.BLANK_SHEET]


def test_more_votes_than_registered_voters() -> None:
    found = read(GOOD, registered=150)
    assert Code.OVER_REGISTERED in codes(found)
    reason = next(one for one in found.reasons if one.code is Code.OVER_REGISTERED)
    assert reason.evidence["value"] == 168
    assert reason.evidence["registered"] == 150


def paper(*fields: tuple[str, Role], **more: Any) -> Layout:
    """A layout of those rows, three cells each."""
    cells = LAYOUT.fields[0].cells
    rows = tuple(
        Field(name, role, name if role is Role.OPTION else None, cells) for name, role in fields
    )
    return replace(LAYOUT, fields=rows, sum_rules=(), cap_rules=(), **more)


BALLOTS = paper(
    ("oak", Role.OPTION),
    ("elm", Role.OPTION),
    ("valid", Role.TOTAL),
    ("urn", Role.BALLOTS_CAST),
    ("unused", Role.BALLOTS_UNUSED),
    ("received", Role.BALLOTS_RECEIVED),
)
BALLOTS = replace(
    BALLOTS,
    sum_rules=(
        SumRule("votes", "valid", ("oak", "elm")),
        SumRule("ballots", "received", ("urn", "unused")),
    ),
    equal_rules=(EqualRule("urn-is-valid", ("urn", "valid")),),
    at_most_rules=(AtMostRule("fewer", "unused", "oak"),),
)
ADDS_UP = ["120", "045", "165", "165", "035", "200"]


def test_figures_that_are_no_votes_take_part_in_the_arithmetic_and_in_no_total() -> None:
    found = interpret(sheet(ADDS_UP, 0.9999), BALLOTS, 700, Policy())
    assert (found.verdict, found.reasons) == (Verdict.ACCEPTED, ())
    assert [count.role for count in found.counts[2:]] == [
        "total", "ballots_cast", "ballots_unused", "ballots_received",
    ]  # fmt: skip
    assert all(count.option is None for count in found.counts[2:])
    many = ["120", "045", "165", "165", "035", "200"]
    assert interpret(sheet(many, 0.9999), BALLOTS, 170, Policy()).reasons == ()


def test_a_doubt_is_settled_across_the_rules_of_the_whole_page() -> None:
    cells = doubt(sheet(ADDS_UP, 0.9999), 14, {5: 0.5, 8: 0.5})  # unused 035 or 038
    cells = doubt(cells, 10, {6: 0.4, 8: 0.6})  # in the urn 165, or 185 by ink
    found = interpret(cells, BALLOTS, 700, Policy())
    assert values(found) == [int(row) for row in ADDS_UP]
    assert found.counts[3].changed_by == "ballots"
    assert found.adds_up > 0.9


@pytest.mark.parametrize(
    ("rows", "code", "rule", "said"),
    [
        (
            ["120", "045", "165", "166", "035", "201"],
            Code.TOTAL_MISMATCH,
            "urn-is-valid",
            (166, 165),
        ),
        (["120", "045", "165", "165", "035", "210"], Code.TOTAL_MISMATCH, "ballots", (210, 200)),
    ],
)
def test_every_rule_of_a_paper_is_checked(
    rows: list[str], code: Code, rule: str, said: tuple[int, int]
) -> None:
    found = interpret(sheet(rows, 0.999999), BALLOTS, 700, Policy())
    reason = next(one for one in found.reasons if one.code is code)
    evidence = reason.evidence
    assert (evidence["rule"], evidence["total"], evidence["sum"]) == (rule, *said)


def test_a_row_over_the_limit_that_another_sets_is_held() -> None:
    found = interpret(
        sheet(["020", "145", "165", "165", "035", "200"], 0.9999), BALLOTS, 700, Policy()
    )
    (reason,) = found.reasons
    assert reason.code is Code.OVER_LIMIT
    assert reason.evidence == {"rule": "fewer", "field": "unused", "value": 35, "limit": 20}


def test_fillers_alone_are_a_zero_where_the_form_says_so() -> None:
    zero = replace(LAYOUT, fillers=(Filler.X,), empty_row=EmptyRow.ZERO)
    found = interpret(sheet(["120", "045", "___", "165"], 0.9999), zero, 700, Policy())
    assert (found.verdict, values(found)) == (Verdict.ACCEPTED, [120, 45, 0, 165])
    forgotten = interpret(sheet(["120", "___", "003", "168"], 0.999999), zero, 700, Policy())
    assert codes(forgotten) == [Code.TOTAL_MISMATCH]


def test_a_sheet_that_nobody_has_filled_in_is_blank_whatever_an_empty_row_means() -> None:
    zero = replace(LAYOUT, fillers=(Filler.X,), empty_row=EmptyRow.ZERO)
    assert codes(interpret(sheet(["___"] * 4), zero, 700, Policy())) == [Code.BLANK_SHEET]


BESIDE = FieldPlace("o1", residual_mm=1.23, near=6.0, shown=12.0)


def test_a_field_whose_place_is_doubtful_is_held_by_name_with_what_was_measured() -> None:
    found = interpret(sheet(GOOD, 0.9999), LAYOUT, 700, Policy(), [BESIDE])
    assert found.verdict is Verdict.HELD
    assert values(found) == [120, 45, 3, 168]
    (reason,) = found.reasons
    assert reason.code is Code.FIELD_MISPLACED
    assert not reason.refuses
    assert reason.evidence == {"field": "o1", "residual_mm": 1.23, "print_agreeing": 0.5}


def test_a_blank_sheet_may_be_one_that_was_read_beside_its_rows() -> None:
    found = interpret(sheet(["___"] * 4), LAYOUT, 700, Policy(), [BESIDE])
    assert codes(found) == [Code.BLANK_SHEET, Code.FIELD_MISPLACED]


def test_a_doubt_that_arithmetic_cannot_settle_is_held_with_both_readings() -> None:
    layout = make_layout(3, 3, total=False)
    cells = doubt(sheet(GOOD[:3], 0.9999), 2, {0: 0.6, 6: 0.4})
    found = interpret(cells, layout, 700, Policy())
    assert codes(found) == [Code.DOUBTFUL_COUNT, Code.DOUBTFUL_SHEET]
    assert found.reasons[0].evidence["runner_up"] == 126
    assert found.error_probability == pytest.approx(0.4, abs=0.01)


def test_high_quality_does_not_mean_accepted() -> None:
    layout = make_layout(1, 3, total=False)
    cells = doubt(sheet(["120"], 1.0), 2, {0: 0.4, 6: 0.35, 8: 0.25})
    found = interpret(cells, layout, 700, Policy())
    assert found.quality is Quality.HIGH
    assert found.verdict is Verdict.HELD


def test_probabilities_must_fit_the_layout() -> None:
    with pytest.raises(ValueError, match="12, 11"):
        interpret(np.zeros((3, 11), np.float32), LAYOUT, 700, Policy())


@given(st.lists(st.integers(0, 300), min_size=3, max_size=3))
def test_certainty_reproduces_what_is_written(parts: list[int]) -> None:
    total = sum(parts)
    found = read([f"{value:03d}" for value in [*parts, total]], registered=2000)
    assert values(found) == [*parts, total]
    assert found.verdict is Verdict.ACCEPTED


@given(st.lists(st.integers(0, 200), min_size=3, max_size=3), st.integers(1, 300))
def test_a_mismatch_in_clear_ink_is_never_repaired(parts: list[int], wrong: int) -> None:
    rows = [f"{value:03d}" for value in [*parts, (sum(parts) + wrong) % 1000]]
    found = read(rows, registered=2000)
    assert values(found) == [int(row) for row in rows]
    assert found.verdict is Verdict.HELD


@given(st.lists(st.integers(0, 300), min_size=3, max_size=3), st.integers(0, 11), st.floats(0, 1))
def test_probabilities_stay_probabilities(parts: list[int], cell: int, share: float) -> None:
    cells = sheet([f"{value:03d}" for value in [*parts, sum(parts)]], 0.99)
    cells = doubt(cells, cell, {3: share, 10: 1 - share})
    found = interpret(cells, LAYOUT, 700, Policy())
    assert 0 <= found.error_probability <= 1
    assert 0 <= found.adds_up <= 1
    assert all(0 <= count.probability <= 1 for count in found.counts)
