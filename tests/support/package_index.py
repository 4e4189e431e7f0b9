"""A package index on this machine: what a lock pins, and something newer of all that has extras.

Its wheels are empty but for their metadata, which is that of the packages installed here. So they
depend on one another as the real ones do, and a tool that resolves anew is tempted as on the day
after a release. Only uv is the real one: it has to work.
"""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

NOT_HERE = "0" * 64  # the hash of a file that no one can ask for: its marker does not apply


@dataclass(frozen=True, slots=True)
class LocalIndex:
    """Where it answers, and what was written for it."""

    url: str
    url_without_uv: str
    lock: str
    uv_lock: str
    pinned: Mapping[str, str]
    newer: frozenset[str]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Folder of an index that is being filled."""

    root: Path
    links: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, version: str, files: Mapping[str, bytes], needs: list[str]) -> str:
        """Write one wheel; returns its SHA-256."""
        stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
        wheel = self.root / "files" / f"{stem}-py3-none-any.whl"
        wheel.parent.mkdir(exist_ok=True)
        about = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *needs]
        kind = (
            "Wheel-Version: 1.0",
            "Generator: test",
            "Root-Is-Purelib: true",
            "Tag: py3-none-any",
        )
        contents = {
            **files,
            f"{stem}.dist-info/METADATA": "\n".join(about).encode(),
            f"{stem}.dist-info/WHEEL": "\n".join(kind).encode(),
        }
        record = f"{stem}.dist-info/RECORD"
        contents[record] = "\n".join(f"{path},," for path in [*contents, record]).encode()
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, data in contents.items():
                entry = zipfile.ZipInfo(path)
                entry.external_attr = 0o100755 << 16  # a program: uv is one
                archive.writestr(entry, data)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        link = f'<a href="/files/{wheel.name}#sha256={digest}">{wheel.name}</a>\n'
        self.links.setdefault(canonicalize_name(name), []).append(link)
        return digest

    def write_pages(self) -> None:
        """The pages of the simple index: with uv, and as if there was none for this machine."""
        for name, links in self.links.items():
            for pages in ("with-uv",) if name == "uv" else ("with-uv", "without-uv"):
                page = self.root / pages / name / "index.html"
                page.parent.mkdir(parents=True)
                page.write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")


def read_lock(lock: Path) -> list[Requirement]:
    """What a lock file pins."""
    lines = (line.rstrip(" \\") for line in lock.read_text().splitlines() if line[:1].isalpha())
    return [Requirement(line) for line in lines]


@contextmanager
def serve_index(root: Path, lock: Path) -> Iterator[LocalIndex]:
    """Fill an index in `root` after a lock file, and serve it until the end of the block."""
    shelf = Shelf(root)
    lines: list[str] = []
    uv_lock, newer = "", set()
    pinned: dict[str, str] = {}
    for entry in read_lock(lock):
        version = str(entry.specifier).removeprefix("==")
        digest = NOT_HERE
        if entry.marker is None or entry.marker.evaluate():
            needs = needs_of(entry.name, version)
            digest = shelf.add(entry.name, version, contents_of(entry.name), needs)
            pinned[canonicalize_name(entry.name)] = version
            if any(line.startswith("Provides-Extra") for line in needs):
                shelf.add(entry.name, next_version(version), {}, needs)
                newer.add(canonicalize_name(entry.name))
        lines.append(f"{entry} --hash=sha256:{digest}")
        uv_lock = lines[-1] if entry.name == "uv" else uv_lock
    shelf.write_pages()
    handler = partial(Quiet, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        yield LocalIndex(
            f"{base}/with-uv", f"{base}/without-uv", "\n".join(lines), uv_lock, pinned,
            frozenset(newer),
        )  # fmt: skip
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and does not write about it."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def needs_of(name: str, version: str) -> list[str]:
    """The metadata on what a package asks for, as it is installed here; none where it is not."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return []
    if found.version != version:
        return []
    extras = found.metadata.get_all("Provides-Extra") or ()
    requires = (f"Requires-Dist: {one}" for one in found.requires or ())
    return [*requires, *(f"Provides-Extra: {one}" for one in extras)]


def contents_of(name: str) -> dict[str, bytes]:
    """The files of a wheel: none, but those of uv."""
    if name != "uv":
        return {}
    found = metadata.distribution("uv")
    wanted = {
        str(path): Path(str(path.locate())).read_bytes()
        for path in found.files or ()
        if path.parts[0] == "uv" and path.suffix == ".py"
    }
    (binary,) = (path for path in found.files or () if path.name == "uv" and "bin" in path.parts)
    scripts = f"uv-{found.version}.data/scripts/uv"
    return {**wanted, scripts: Path(str(binary.locate())).read_bytes()}


def next_version(version: str) -> str:
    """The smallest release after `version`, so that few bounds shut it out."""
    *first, last = Version(version).release
    return ".".join(map(str, (*first, last + 1)))
