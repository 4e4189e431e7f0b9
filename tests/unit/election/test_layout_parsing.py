"""A layout file: every mistake named, all at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.layout_parsing import parse_layout
from tallywire.errors import InvalidFileError, Problem
from tallywire.sheet.layout import (
    AtMostRule,
    Box,
    EmptyRow,
    EqualRule,
    Filler,
    Role,
    SumRule,
)
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


TAUGHT = FORM.replace("\n[page]", '\nreference = "form.png"\n[page]', 1)
MORE_RULES = """
[[fields]]
id = "listed"
role = "registered"
box = [150, 240, 25, 11]
places = 3

[[difference_rules]]
id = "left"
difference = "spoilt"
whole = "all"
less = "oak"

[[equal_rules]]
id = "same"
fields = ["listed", "all"]

[[at_most_rules]]
id = "most"
field = "all"
limit = "listed"
"""


def test_an_open_box_is_cut_into_equal_places_that_touch() -> None:
    layout = parse_layout(FORM + MORE_RULES, "form.toml")
    field = layout.field_by_id["listed"]
    assert (field.role, field.option) == (Role.REGISTERED, None)
    assert [round(cell.x_mm, 6) for cell in field.cells] == [150, 158.333333, 166.666667]
    assert sum(cell.width_mm for cell in field.cells) == pytest.approx(25)


@pytest.mark.parametrize("places", [1, 3, 5])
@pytest.mark.parametrize("width", [0.7, 19.1, 31.7])
def test_places_never_overlap_whatever_the_width(places: int, width: float) -> None:
    text = f"{FORM}{MORE_RULES}".replace("25, 11]", f"{width}, 11]")
    layout = parse_layout(text.replace("places = 3", f"places = {places}"), "form.toml")
    assert len(layout.field_by_id["listed"].cells) == places


def test_rules_over_any_rows() -> None:
    layout = parse_layout(FORM + MORE_RULES, "form.toml")
    assert layout.sum_rules[-1] == SumRule("left", "all", ("spoilt", "oak"))
    assert layout.equal_rules == (EqualRule("same", ("listed", "all")),)
    assert layout.at_most_rules == (AtMostRule("most", "all", "listed"),)


def test_fillers_and_what_a_row_of_them_says() -> None:
    text = changed("version = 3", 'version = 3\nfillers = ["x", "dash"]\nempty_row = "zero"')
    layout = parse_layout(text, "form.toml")
    assert (layout.fillers, layout.empty_row) == ((Filler.X, Filler.DASH), EmptyRow.ZERO)
    plain = parse_layout(FORM, "form.toml")
    assert (plain.fillers, plain.empty_row) == ((), EmptyRow.MISSING)


def test_a_form_known_by_its_picture_may_ignore_what_people_write_beside_the_rows() -> None:
    text = TAUGHT.replace("version = 3", "version = 3\nignored = [[10, 100, 40, 20]]")
    assert parse_layout(text, "form.toml").ignored == (Box(10, 100, 40, 20),)


@pytest.mark.parametrize(
    ("before", "after", "where", "remedy"),
    [
        ("places = 3", "", "fields[7].cells", "needs both, box and places"),
        ("places = 3", "places = 6", "fields[7].places", "1 to 5"),
        ("places = 3", 'places = "3"', "fields[7].places", "1 to 5"),
        ("box = [150, 240, 25, 11]", "", "fields[7].cells", "needs both, box and places"),
        ("box = [150, 240, 25, 11]", "box = [150, 240, 25]", "fields[7].box", "width, height"),
        (
            "places = 3",
            "places = 3\ncells = [[150, 240, 8, 11]]",
            "fields[7].cells",
            "or these two",
        ),
        ('role = "registered"', 'role = "voter"', "fields[7].role", "voters"),
        (
            'role = "registered"',
            'role = "registered"\noption = "x"',
            "fields[7].option",
            "no option",
        ),
        ('whole = "all"', 'whole = "al"', "difference_rules[0].whole", "did you mean all?"),
        ('less = "oak"', 'less = "all"', "difference_rules[0].less", "must differ"),
        ('less = "oak"', "", "difference_rules[0].less", "missing"),
        ('fields = ["listed", "all"]', 'fields = ["all"]', "equal_rules[0].fields", "list of ids"),
        (
            'fields = ["listed", "all"]',
            'fields = ["all", "all"]',
            "equal_rules[0].fields[1]",
            "must differ",
        ),
        ('limit = "listed"', 'limit = "all"', "at_most_rules[0].limit", "must differ"),
        ('limit = "listed"', 'limit = "lister"', "at_most_rules[0].limit", "did you mean listed?"),
        ('id = "most"', 'id = "same"', "at_most_rules[0].id", "must differ"),
        ("version = 3", 'version = 3\nempty_row = "zero"', "empty_row", "with which signs"),
        ("version = 3", 'version = 3\nempty_row = "none"', "empty_row", "missing or zero"),
        ("version = 3", 'version = 3\nfillers = "x"', "fillers", "write a list of x, dash"),
        ("version = 3", 'version = 3\nfillers = ["y"]', "fillers[0]", "write a list of x, dash"),
        ("version = 3", "version = 3\nignored = 5", "ignored", "write a list of boxes"),
        ("version = 3", "version = 3\nignored = [[1, 2, 3]]", "ignored[0]", "in mm"),
        (
            "version = 3",
            "version = 3\nignored = [[190, 5, 30, 5]]",
            "ignored[0]",
            "leaves the page",
        ),
    ],
)
def test_a_mistake_in_what_a_form_may_say_is_named(
    before: str, after: str, where: str, remedy: str
) -> None:
    text = TAUGHT + MORE_RULES
    assert before in text
    found = problems_of(text.replace(before, after, 1))
    assert any(
        one.where == f"form.toml: {where}" and remedy in f"{one.value} {one.remedy}"
        for one in found
    ), found


def test_only_a_form_known_by_its_picture_has_something_to_ignore() -> None:
    (problem,) = problems_of(changed("version = 3", "version = 3\nignored = [[1, 2, 3, 4]]"))
    assert problem.value == "unknown key"


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
