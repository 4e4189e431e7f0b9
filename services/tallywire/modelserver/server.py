"""The process: binds, loads, says that it is ready, watches the folder, stops gracefully."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog
import tensorflow as tf
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from tallywire.edge.health_server import HealthServer, serve_vitals
from tallywire.edge.liveness import Vitals
from tallywire.errors import UsageError
from tallywire.modelserver.repository import LoadState, Repository
from tallywire.modelserver.servicers import ModelServicer, PredictionServicer

AWAKE_S = 0.5
MAX_MESSAGE_BYTES = 4 * 1024 * 1024  # 5,000 cells; a sheet has about 45
GRACE_S = 5.0
LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ServeModelOptions:
    """What to serve and where. `port` 0 lets the system choose; `threads` run at once."""

    model_repo: Path
    model: str = "digits"
    host: str = "127.0.0.1"
    port: int = 8500
    threads: int = 2
    poll_s: float = 2.0
    health_port: int | None = None  # none: no /healthz; gRPC health is always there
    health_address: str = "127.0.0.1"
    stalled_after_s: float = 30.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers on `address`; `stop` ends it after the calls under way."""

    address: str
    repository: Repository
    server: Any
    health: Any
    stopping: threading.Event
    watcher: threading.Thread
    vitals: Vitals

    def stop(self) -> None:
        """Refuse new calls, finish those under way (at most 5 s), and end."""
        self.health.enter_graceful_shutdown()
        self.stopping.set()
        self.server.stop(GRACE_S).wait()
        self.watcher.join()


def start(serve: ServeModelOptions) -> RunningServer:
    """Load every version and answer on `serve.host:serve.port`.

    Raises:
        UsageError: the model has no folder, or the port is taken.
    """
    folder = serve.model_repo / serve.model
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; it should hold version folders 1, 2, ...")
    repository, vitals = Repository(serve.model_repo, serve.model), Vitals()
    server = grpc.server(ThreadPoolExecutor(serve.threads + 2), options=_options())
    status = health.HealthServicer()
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionServicer(repository, vitals), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(repository), server)
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    port = _bind(server, serve)
    repository.refresh()
    _tell_health(repository, status)
    server.start()
    stopping = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(repository, status, stopping, vitals, serve.poll_s), daemon=True
    )
    watcher.start()
    return RunningServer(
        f"{serve.host}:{port}", repository, server, status, stopping, watcher, vitals
    )


def run(serve: ServeModelOptions) -> None:
    """Serve until SIGTERM or SIGINT. Prints one line once it answers.

    Raises:
        UsageError: as `start`.
    """
    limit_threads(serve.threads)
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    running = start(serve)
    loaded = [v.number for v in running.repository.versions if v.state is LoadState.AVAILABLE]
    # One line that a supervisor can wait for; the port is there since it may have been 0.
    print(f"ready {running.address} {serve.model} {','.join(map(str, loaded)) or '-'}", flush=True)
    health_server = _serve_health(serve, running)
    # The kernel may hand the signal to another thread, which does not wake this one.
    while not asked.wait(AWAKE_S):
        pass
    running.stop()
    if health_server:
        health_server.close()


def _serve_health(serve: ServeModelOptions, running: RunningServer) -> HealthServer | None:
    """Live while calls end and the folder is looked at; ready while a version is served."""
    if serve.health_port is None:
        return None

    def serves() -> bool:
        return running.repository.find(None) is not None and not running.stopping.is_set()

    server = serve_vitals(
        running.vitals, serves, serve.health_port, serve.health_address, serve.stalled_after_s
    )
    print(f"health {serve.health_address}:{server.port}", flush=True)
    return server


def limit_threads(threads: int) -> None:
    """Each call runs on one core and `threads` calls run at once: sheets are too small to split.

    Only before TensorFlow has run anything.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def _options() -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.so_reuseport", 0),  # a port that is taken is an error, not a silent second server
    ]


def _bind(server: Any, serve: ServeModelOptions) -> int:
    where = f"{serve.host}:{serve.port}"
    try:
        port = int(server.add_insecure_port(where))
    except RuntimeError as error:
        raise UsageError(f"{where} is taken or not ours to bind: choose another --port") from error
    if not port:
        raise UsageError(f"{where} is taken or not ours to bind: choose another --port")
    return port


def _tell_health(repository: Repository, status: Any) -> None:
    serving = repository.find(None) is not None
    kinds = health_pb2.HealthCheckResponse
    status.set("", kinds.SERVING if serving else kinds.NOT_SERVING)


def _watch(
    repository: Repository,
    status: Any,
    stopping: threading.Event,
    vitals: Vitals,
    poll_s: float,
) -> None:
    while not stopping.wait(poll_s):
        vitals.beat()
        try:
            if repository.refresh():
                _tell_health(repository, status)
        except OSError as error:  # a folder that vanishes while it is listed; look again
            LOG.warning("model folder cannot be read", error=str(error))
