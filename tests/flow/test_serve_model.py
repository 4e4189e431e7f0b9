"""`tallywire serve-model` as a process: new versions, damaged ones, round robin, deadline, end."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tallywire.edge.serving import Classifier, VersionState
from tallywire.errors import PeerError
from tallywire.shipped import certified_version

REPOSITORY = Path(__file__).parents[2] / "model_repo"
CELLS = np.zeros((42, 28, 28), np.uint8)
START_S, SEE_S = 60.0, 30.0


class Server:
    """One started process and its address."""

    def __init__(self, repository: Path) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "tallywire", "serve-model", "--port", "0",
                "--model-repo", str(repository), "--poll-s", "0.2",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )  # fmt: skip
        assert self.process.stdout
        word, self.target, *_ = self.process.stdout.readline().split()
        assert word == "ready"

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout
            self.process.stdout.close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one version that may be changed."""
    certified = certified_version(REPOSITORY / "digits")
    shutil.copytree(REPOSITORY / "digits" / str(certified), tmp_path / "digits" / "1")
    return tmp_path


@pytest.fixture
def start(repository: Path) -> Iterator[Callable[[], Server]]:
    """Starts servers on the repository and ends them."""
    servers: list[Server] = []

    def begin() -> Server:
        servers.append(Server(repository))
        return servers[-1]

    yield begin
    for server in servers:
        if server.process.poll() is None:
            server.stop()


async def states(classifier: Classifier) -> dict[int, VersionState]:
    return {item.version: item.state for item in await classifier.versions()}


async def wait_for(classifier: Classifier, expected: dict[int, VersionState]) -> None:
    deadline = time.monotonic() + SEE_S
    while (found := await states(classifier)) != expected:
        assert time.monotonic() < deadline, f"{found}, expected {expected}"
        await asyncio.sleep(0.1)


async def test_versions_come_and_go_while_it_serves(
    repository: Path, start: Callable[[], Server]
) -> None:
    folder = repository / "digits"
    async with Classifier(start().target) as classifier:
        assert await states(classifier) == {1: VersionState.AVAILABLE}

        (folder / "2").mkdir()
        (folder / "2" / "saved_model.pb").write_bytes(b"half a copy")
        await wait_for(classifier, {1: VersionState.AVAILABLE, 2: VersionState.END})
        assert (await classifier.versions())[0].error
        assert (await classifier.classify(CELLS)).model_version == 1

        shutil.copytree(folder / "1", folder / "2", dirs_exist_ok=True)
        await wait_for(classifier, {1: VersionState.AVAILABLE, 2: VersionState.AVAILABLE})
        assert (await classifier.classify(CELLS)).model_version == 2

        shutil.rmtree(folder / "1")
        await wait_for(classifier, {2: VersionState.AVAILABLE})
        assert (await classifier.classify(CELLS)).model_version == 2


async def test_two_servers_share_the_calls_and_one_may_die(start: Callable[[], Server]) -> None:
    first, second = start(), start()
    target = f"ipv4:{first.target},{second.target}"
    async with Classifier(target, timeout_s=10) as classifier:
        await asyncio.gather(*(classifier.classify(CELLS) for _ in range(20)))
        assert first.stop() == 0
        answers = [await classifier.classify(CELLS) for _ in range(20)]
        assert {answer.model_version for answer in answers} == {1}


async def test_a_server_that_hangs_meets_the_deadline(start: Callable[[], Server]) -> None:
    server = start()
    async with Classifier(server.target, timeout_s=0.5) as classifier:
        await classifier.classify(CELLS)
        server.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(PeerError, match="within"):
                await classifier.classify(CELLS)
            assert time.monotonic() - began < 3
        finally:
            server.process.send_signal(signal.SIGCONT)


def test_it_tells_its_health_and_ends_on_sigterm(start: Callable[[], Server]) -> None:
    server = start()
    with grpc.insecure_channel(server.target) as channel:
        reply = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=10
        )
    assert reply.status == health_pb2.HealthCheckResponse.SERVING
    assert server.stop() == 0


@pytest.mark.parametrize("case", ["no folder", "port taken"])
def test_wrong_usage_ends_with_code_2(
    case: str, tmp_path: Path, start: Callable[[], Server]
) -> None:
    arguments = ["--model-repo", str(tmp_path / "nowhere"), "--port", "0"]
    if case == "port taken":
        port = start().target.rpartition(":")[2]
        arguments = ["--model-repo", str(tmp_path), "--port", port]
    done = subprocess.run(
        [sys.executable, "-m", "tallywire", "serve-model", *arguments],
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert ("no such folder" if case == "no folder" else "taken") in said
