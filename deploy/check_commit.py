"""Refuses what must never be committed: large binaries and pictures of real sheets.

Run by pre-commit with the names of the files to be committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

MOST_BYTES = 5 * 1024 * 1024
PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".pdf", ".heic", ".webp"}
PICTURES_MAY_LIE_IN = ("dashboard/", "docs/", "model_repo/")


def problem_of(path: Path) -> str | None:
    """What speaks against committing `path`, or None."""
    if path.suffix.lower() in PICTURES and not str(path).startswith(PICTURES_MAY_LIE_IN):
        return "a picture: scans of real sheets stay out of the repository"
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        return f"larger than {MOST_BYTES // 1024 // 1024} MiB"
    return None


def main() -> int:
    """0 where nothing speaks against it."""
    found = [(name, problem) for name in sys.argv[1:] if (problem := problem_of(Path(name)))]
    for name, problem in found:
        print(f"{name}: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
