"""Which files of tests run at all, and which of them first."""

from __future__ import annotations

# What Tallywire promises needs no Java. Where there is one, Apache Kafka itself is tried as well.
NEED_JAVA = ("flow/test_apache_kafka.py", "flow/test_kafka_cluster.py")

# By what they take on two idle cores; whatever is missing here comes behind, folder by folder.
LONGEST_FIRST = (
    "flow/test_faults.py",
    "flow/test_wheel.py",
    "flow/test_replay_night.py",
    "flow/test_replay.py",
    "flow/test_stack.py",
    "flow/test_up.py",
    "flow/test_backlog.py",
    "flow/test_publish.py",
    "unit/training/test_run.py",
    "browser/test_live_page.py",
)
FOLDERS = ("flow", "contract", "browser", "unit")


def rank(file: str) -> tuple[int, int]:
    """The place of a file in the order of the run."""
    longest = LONGEST_FIRST.index(file) if file in LONGEST_FIRST else len(LONGEST_FIRST)
    return longest, FOLDERS.index(file.partition("/")[0])
