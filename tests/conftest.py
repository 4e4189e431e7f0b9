"""Real servers for the tests, started once a session and only if a test asks for them.

Tests share them: isolate by a topic prefix or an election id of your own (`unique`). To run
against other servers, set TALLYWIRE_TEST_REDIS, TALLYWIRE_TEST_KAFKA, TALLYWIRE_TEST_SERVING.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import hypothesis
import pytest

from tallywire.workshop.stack import apache
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tests.support.night import NOBODY, WITH_WORKERS, N, Night, NightOpener, NightPlan, open_night
from tests.support.running_order import NEED_JAVA, rank

REPOSITORY = Path(__file__).parents[1]

collect_ignore = [] if apache.is_available() else list(NEED_JAVA)

# A deadline per example measures how busy the machine is, not the code.
hypothesis.settings.register_profile("tallywire", deadline=None)
hypothesis.settings.load_profile("tallywire")


# Started in the background (nohup, &), we would hand an ignored Ctrl-C on to what we start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Say which brokers are tried: what is left out is never left out silently."""
    if apache.is_available():
        return f"brokers: embedded, and Apache Kafka {apache.VERSION} from {apache.find_cache()}"
    left_out = ", ".join(Path(one).name for one in NEED_JAVA)
    return (
        "brokers: the embedded one ONLY. No Java (or neither Kafka's jars nor Maven) here, so"
        f" Apache Kafka is not tried: {left_out} and half of test_kafka_edge.py are left out"
    )


def unique_name() -> str:
    return f"t{uuid.uuid4().hex[:10]}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for servers first, the longest of them at the very beginning: then both
    processes of `pytest -n 2 --dist loadfile` end at about the same time."""
    items.sort(key=lambda item: rank(item.path.relative_to(REPOSITORY / "tests").as_posix()))


@pytest.fixture
def unique() -> str:
    """A name that no other test uses: for a topic prefix, an election or a consumer group."""
    return unique_name()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real, append-only Redis."""
    given = os.environ.get("TALLYWIRE_TEST_REDIS")
    if given:
        yield given
        return
    plan = StackPlan(tmp_path_factory.mktemp("redis"), broker=None, model=False)
    with LocalStack(plan) as stack:
        yield stack.settings.redis


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real broker; the embedded one unless told otherwise."""
    given = os.environ.get("TALLYWIRE_TEST_KAFKA")
    if given:
        yield given
        return
    plan = StackPlan(tmp_path_factory.mktemp("broker"), redis=False, model=False)
    with LocalStack(plan) as stack:
        yield stack.settings.kafka


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of Apache Kafka; only for tests that are not there without Java."""
    plan = StackPlan(tmp_path_factory.mktemp("kafka"), broker="kafka", redis=False, model=False)
    with LocalStack(plan) as stack:
        yield stack.settings.kafka


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """gRPC target of a model server with the repository's own models."""
    given = os.environ.get("TALLYWIRE_TEST_SERVING")
    if given:
        yield given
        return
    plan = StackPlan(
        tmp_path_factory.mktemp("model"),
        broker=None,
        redis=False,
        settings={"model_repo": str(REPOSITORY / "model_repo")},
    )
    with LocalStack(plan) as stack:
        yield stack.settings.serving


@pytest.fixture(scope="session")
def night_opener(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NightOpener:
    """Opens nights; each starts only those servers that its plan wants."""

    def opener(plan: NightPlan[N]) -> AbstractContextManager[N]:
        return open_night(
            plan,
            tmp_path_factory.mktemp("night"),
            unique_name(),
            kafka=request.getfixturevalue(plan.kafka),
            redis=request.getfixturevalue("redis_url"),
            serving=request.getfixturevalue("model_server") if plan.has_model else NOBODY,
        )

    return opener


@pytest.fixture
def night(request: pytest.FixtureRequest, night_opener: NightOpener) -> Iterator[Night]:
    """A night of the test's own. The mark `night` gives a plan other than `WITH_WORKERS`."""
    mark = request.node.get_closest_marker("night")
    with night_opener(mark.args[0] if mark else WITH_WORKERS) as night:
        yield night
