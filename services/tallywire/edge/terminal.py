"""The terminal that commands print on: whatever text comes, it is printed as it is."""

from __future__ import annotations

from rich.console import Console


def terminal(*, stderr: bool = False) -> Console:
    """A console that takes no text for markup.

    Messages carry what people typed and what others sent: a file `[/red].jpg`, a station `[bold]`.
    Style is given beside the text (`style=`, `rich.text.Text`), never inside of it. Nothing else
    in this package makes a console; `tests/unit/edge/test_terminal.py` keeps it so.
    """
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)
