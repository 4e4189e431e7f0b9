"""A layout file: every mistake named, all at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.layout_parsing import parse_layout
from tallywire.errors import InvalidFileError, Problem
from tallywire.sheet.layout import Role
from tests.support.elections import GREY_SEVEN

FORM = (GREY_SEVEN / "form.toml").read_text()


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InvalidFileError) as caught:
        parse_layout(text, "form.toml")
    return caught.value.problems


def changed(before: str, after: str) -> str:
    assert before in FORM
    return FORM.replace(before, after, 1)


def test_a_good_file_gives_its_geometry_in_order() -> None:
    layout = parse_layout(FORM, "form.toml")
    assert [field.id for field in layout.fields] == [
        "oak", "elm", "ash", "fir", "yew", "spoilt", "all",
    ]  # fmt: skip
    assert layout.fields[-1].role is Role.TOTAL
    assert layout.cells[1].x_mm - layout.cells[0].x_mm == 9


def test_an_option_row_takes_its_id_as_its_option() -> None:
    layout = parse_layout(changed('option = "oak"\n', ""), "form.toml")
    assert layout.fields[0].option == "oak"


@pytest.mark.parametrize(
    ("before", "after", "where", "remedy"),
    [
        ("version = 3", "version = 0", "version", "from 1 to"),
        ("version = 3", "version = true", "version", "whole number"),
        ("version = 3", "version = 3.0", "version", "whole number"),
        ("version = 3", 'version = "3"', "version", "whole number"),
        ("version = 3", "verison = 3", "version", "missing"),
        ("cells = [[58", "cels = [[58", "fields[0].cells", "missing write 1 to 5 boxes"),
        ("cells = [[58", "cels = [[58", "fields[0].cels", "did you mean cells?"),
        ("cells = [[58", "cells = 5 # [[58", "fields[0].cells", "write 1 to 5 boxes"),
        ("box = [10, 10, 8, 8]", "", "marks[0].box", "missing write [left, top"),
        ('id = "grey-seven"', 'id = "grey seven"', "id", "dots, dashes"),
        ("[page]", "[paper]", "page", "write width_mm, height_mm under a [page] heading"),
        ("[page]", "[[page]]", "page", "under a [page] heading"),
        ("[[sum_rules]]", "[sum_rules]", "sum_rules", "under its own [[sum_rules]] heading"),
        ('kind = "corner_square"', 'kind = ["star"]', "marks[0].kind", "corner_square"),
        ("width_mm = 210", "width_mm = 21", "page.width_mm", "50 to 1000"),
        ("width_mm = 210", "width_mm = nan", "page.width_mm", "50 to 1000"),
        ("width_mm = 210", "widht_mm = 210", "page.widht_mm", "did you mean width_mm?"),
        ('kind = "corner_square"', 'kind = "star"', "marks[0].kind", "corner_square"),
        ('kind = "corner_square"', 'kind = "colour_rect"', "marks[0].colour", "#rrggbb"),
        (
            'kind = "corner_square"',
            'kind = "colour_circle"\ncolour = "#808080"',
            "marks[0].colour",
            "stronger colour",
        ),
        ("box = [10, 10, 8, 8]", "box = [10, 10, 8]", "marks[0].box", "width, height"),
        ("box = [10, 10, 8, 8]", "box = [10, 10, 0, 8]", "marks[0].box", "above 0"),
        ("box = [10, 10, 8, 8]", "box = [10, 10, nan, 8]", "marks[0].box", "in mm"),
        ("box = [10, 10, 8, 8]", "box = [10, true, 8, 8]", "marks[0].box", "in mm"),
        ("box = [10, 10, 8, 8]", 'box = "10 10 8 8"', "marks[0].box", "in mm"),
        ("box = [10, 10, 8, 8]", "box = [10, 10, 1e308, 1e308]", "marks[0].box", "leaves the page"),
        ("box = [10, 10, 8, 8]", "box = [-1, 10, 8, 8]", "marks[0].box", "leaves the page"),
        ("box = [10, 10, 8, 8]", "box = [205, 10, 8, 8]", "marks[0].box", "leaves the page"),
        (
            "box = [10, 10, 8, 8]",
            "box = [60, 68, 8, 8]",
            "marks[0].box",
            "overlaps fields[0].cells[0]",
        ),
        ("cells = [[58, 70, 8, 11]", "cells = [[61, 70, 8, 11]", "fields[0].cells[0]", "overlaps"),
        ("cells = [[58, 70, 8, 11]", "cells = [[58, 70, 8]", "fields[0].cells[0]", "in mm"),
        ('option = "elm"', 'option = "oak"', "fields[1].option", "must differ"),
        ('id = "elm"', 'id = "oak"', "fields[1].id", "must differ"),
        ('role = "total"', 'role = "sum"', "fields[6].role", "option or total"),
        ('role = "total"', 'role = "total"\noption = "oak"', "fields[6].option", "no option"),
        ('total = "all"', 'total = "none"', "sum_rules[0].total", "no field has this id"),
        ('parts = ["oak"', 'parts = ["oka"', "sum_rules[0].parts[0]", "did you mean oak?"),
        ('parts = ["oak"', 'parts = ["elm"', "sum_rules[0].parts[1]", "must differ"),
        ('parts = ["oak"', 'parts = ["all"', "sum_rules[0].parts[0]", "own parts"),
        ("tolerance = 5", "tolerance = -5", "cap_rules[0].tolerance", "from 0"),
        ('field = "all"', 'field = "oaks"', "cap_rules[0].field", "did you mean oak?"),
        ('id = "cap"', 'id = "adds-up"', "cap_rules[0].id", "must differ"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(
    before: str, after: str, where: str, remedy: str
) -> None:
    found = problems_of(changed(before, after))
    assert any(
        one.where == f"form.toml: {where}" and remedy in f"{one.value} {one.remedy}"
        for one in found
    ), found


def test_marks_on_one_line_cannot_fix_a_page() -> None:
    text = changed("box = [192, 279, 8, 8]", "box = [80, 10, 8, 8]")
    text = text.replace("box = [10, 279, 8, 8]", "box = [120, 10, 8, 8]")
    (problem,) = problems_of(text)
    assert "one line" in problem.value


def test_two_marks_are_too_few() -> None:
    start = FORM.index('[[marks]]\nid = "bottom-right"')
    end = FORM.index("[[fields]]")
    assert any("at least 3" in one.remedy for one in problems_of(FORM[:start] + FORM[end:]))


def test_all_mistakes_come_at_once() -> None:
    text = (
        changed("version = 3", "version = 0")
        .replace('kind = "corner_square"', 'kind = "star"', 1)
        .replace('total = "all"', 'total = "none"')
        .replace("tolerance = 5", "tolerance = -5")
    )
    assert {one.where for one in problems_of(text)} == {
        "form.toml: version",
        "form.toml: marks[0].kind",
        "form.toml: sum_rules[0].total",
        "form.toml: cap_rules[0].tolerance",
    }


def test_words_of_the_form_have_known_places() -> None:
    layout = parse_layout(f'{FORM}\n[texts]\ntotal = "Sum"\n', "form.toml")
    assert layout.texts == {"total": "Sum"}
    (problem,) = problems_of(f'{FORM}\n[texts]\ntotla = "Sum"\n')
    assert problem.remedy == "did you mean total?"


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert problems_of(text)


@given(st.integers(0, FORM.index("[[fields]]")))
def test_a_file_cut_off_before_its_rows_is_refused(end: int) -> None:
    assert problems_of(FORM[:end])
