"""The strikes against scans that end their worker, without Redis."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tallywire.records import Partition


class ProcessEnd(BaseException):
    """Stands for a crash: nothing of the process goes on after it."""


@dataclass
class MemoryStrikes:
    """Strikes without Redis; `dead` stands for a process that no longer runs."""

    begins: dict[Partition, tuple[int, int]] = field(default_factory=dict)
    marks: Counter[tuple[Partition, int]] = field(default_factory=Counter)
    dead: bool = False

    async def begin(self, partition: Partition, offset: int) -> int:
        at, times = self.begins.get(partition, (-1, 0))
        self.begins[partition] = offset, times + 1 if at == offset else 1
        return self.begins[partition][1]

    async def mark(self, partition: Partition, offset: int) -> int:
        if self.dead:
            raise ProcessEnd
        self.marks[partition, offset] += 1
        return self.marks[partition, offset]

    async def unmark(self, partition: Partition, offset: int) -> None:
        if not self.dead:
            self.marks.pop((partition, offset), None)

    async def marked(self) -> set[tuple[Partition, int]]:
        return set(self.marks)
