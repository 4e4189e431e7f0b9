"""Runs `tallywire publish` as its users do, and looks at what stands in the topic."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallywire.edge.kafka import read_topic
from tallywire.publish.receipts import read_receipts
from tests.support.waiting import wait_until


@dataclass(frozen=True, slots=True)
class Desk:
    """One scanning desk: its folder of scans, its journal, and where it sends to."""

    scans: Path
    journal: Path
    kafka: str
    prefix: str

    @property
    def topic(self) -> str:
        return f"{self.prefix}.scans"

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """The publisher as a process of its own; its output goes to `out.txt`."""
        result = self.journal.with_name("result.json")
        result.unlink(missing_ok=True)
        with self.journal.with_name("out.txt").open("ab") as out:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "tallywire", "publish", str(self.scans)),
                    *("--journal", str(self.journal), "--json", str(result), *options),
                ],
                env={
                    **os.environ,
                    "TALLYWIRE_KAFKA": self.kafka,
                    "TALLYWIRE_TOPIC_PREFIX": self.prefix,
                    "TALLYWIRE_PARTITIONS": "4",
                },
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def run(self, *options: str, within_s: float = 90.0) -> int:
        """The exit code of a whole run."""
        return self.start(*options).wait(within_s)

    def wait_receipts(self, run: subprocess.Popen[bytes], count: int) -> None:
        """Wait until the run has noted `count` scans as published."""

        def noted() -> bool:
            assert run.poll() is None, self.output()
            return len(list(read_receipts(self.journal))) >= count

        wait_until(noted, 60, self.output)

    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.journal.with_name("result.json").read_text())
        return found

    def output(self) -> str:
        return self.journal.with_name("out.txt").read_text()

    def in_topic(self) -> Counter[str]:
        """How often each scan id stands in the topic."""
        return Counter(
            dict(record.headers)["scan-id"].decode()
            for record in read_topic(self.kafka, self.topic)
        )


def write_scans(folder: Path, count: int, size_bytes: int = 20_000, seed: int = 1) -> None:
    """Files that begin and end like JPEG, each of another station."""
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    for number in range(count):
        body = source.randbytes(size_bytes - 5)
        (folder / f"S{number:06d}.jpg").write_bytes(b"\xff\xd8\xff" + body + b"\xff\xd9")
