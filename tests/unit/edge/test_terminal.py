"""Whatever text a message carries, it is printed as it is: nothing passes through markup."""

from __future__ import annotations

import ast
import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.table import Table

from tallywire.cli.main import main
from tallywire.edge.progress_bars import named_bars, sheet_bar
from tallywire.edge.terminal import terminal

PACKAGE = Path(__file__).parents[3] / "services" / "tallywire"

MARKED = st.text(st.sampled_from("[]/\\:#@= abredz1"), min_size=1, max_size=30)
WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)
TEXTS = MARKED | WORDS


@given(TEXTS)
@example("write at least 3 [[marks]]")
@example("[/red].jpg")
@example(":warning: [link=x]")
def test_a_line_is_printed_as_it_is(text: str) -> None:
    with redirect_stdout(io.StringIO()) as out:
        terminal().print(text, soft_wrap=True)
    assert out.getvalue() == f"{text}\n"


@given(MARKED)
@example("[/red]")
def test_so_are_cells_and_titles_of_tables(text: str) -> None:
    table = Table(title=text, box=None, padding=0)
    table.add_column(text)
    table.add_row(text)
    with redirect_stdout(io.StringIO()) as out:
        terminal().print(table)
    assert out.getvalue().count(text.strip()) >= 3


@given(TEXTS)
@example("[/red]")
def test_an_error_keeps_every_letter_of_what_was_typed(text: str) -> None:
    arguments = ["tallywire", "report", f"--contest={text}"]
    with (
        redirect_stderr(io.StringIO()) as err,
        patch("sys.argv", arguments),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert ended.value.code == 2
    assert f"--contest {text}: choose one of" in err.getvalue()


def test_bars_take_any_name() -> None:
    with redirect_stdout(io.StringIO()) as out:
        with named_bars(terminal(), "{name}: {total}") as tell:
            tell("[/red]", 1, 2)
        with sheet_bar("[/bold]", terminal()) as progress:
            progress(2, 2)
    assert "[/red]: 2" in out.getvalue()
    assert "[/bold]" in out.getvalue()


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_other_console_is_made_and_no_text_is_read_as_markup(path: Path) -> None:
    for call in calls(path):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if name == "Console":
            assert path.name == "terminal.py", f"line {call.lineno}: call terminal()"
        if name == "TextColumn":
            assert "markup" in given, f"line {call.lineno}: TextColumn(..., markup=False)"
        # These read a str as markup on any console: give them a Text.
        title = given.get("title") if name == "Panel" else None
        if name in {"rule", "status"}:
            title = call.args[0]
        assert title is None or isinstance(title, ast.Call), f"line {call.lineno}: {name}"
        assert name != "from_markup", f"line {call.lineno}"
