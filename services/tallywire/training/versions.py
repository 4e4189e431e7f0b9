"""Which saved version is which: folders named by their numbers, side by side."""

from __future__ import annotations

from pathlib import Path

from tallywire.errors import UsageError


def check_start(start_from: int | None, keep: float, from_corrections: Path | None) -> None:
    """Raise UsageError where options about an earlier version exclude each other."""
    if keep and not start_from:
        raise UsageError("--keep is a share of --start-from's weights: give that version too")
    if from_corrections and start_from:
        raise UsageError(
            "--from-corrections goes on from the newest version before --version:"
            " leave --start-from and --keep out"
        )


def first_look_folder(number: int, folder: Path) -> Path | None:
    """The folder of version `number`, which reads before the one in `folder`; None for 0.

    Raises:
        UsageError: it is the version to write, or not there.
    """
    if not number:
        return None
    first = folder.with_name(str(number))
    if first == folder:
        raise UsageError(
            f"version {number} cannot be its own first look: choose another --version, another"
            " --first-look, or --first-look 0 for none"
        )
    if not (first / "saved_model.pb").is_file():
        raise UsageError(
            f"{first}: no version there to look first: make it with `tallywire train --version"
            f" {number} --network paper`, or choose --first-look 0 for none"
        )
    return first


def newest_before(folder: Path) -> Path:
    """The newest version folder older than `folder`.

    Raises:
        UsageError: there is none, or `folder` is there already.
    """
    if folder.exists():
        raise UsageError(f"{folder} is there already: choose a new --version")
    older = [
        path
        for path in (folder.parent.iterdir() if folder.parent.is_dir() else ())
        if path.name.isdigit() and int(path.name) < int(folder.name)
    ]
    if not older:
        raise UsageError(f"{folder.parent}: no older version to start from")
    return max(older, key=lambda path: int(path.name))
