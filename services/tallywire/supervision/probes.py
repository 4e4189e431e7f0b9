"""Does a server answer? Each probe is quick, says yes or no, and never raises."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import grpc
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tallywire.edge.topics import admin_client
from tallywire.errors import PeerError
from tallywire.supervision.ports import LOOPBACK

PATIENCE_S = 1.0
PATIENCE_MS = 2_000


def http_answers(url: str) -> bool:
    """True where a GET gives status 200."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def port_answers(port: int) -> bool:
    """True where something accepts connections on loopback."""
    with socket.socket() as probe:
        probe.settimeout(PATIENCE_S)
        return probe.connect_ex((LOOPBACK, port)) == 0


def redis_answers(port: int) -> bool:
    """True where Redis answers PING, which it does not while it loads its files."""
    if not port_answers(port):
        return False
    client = redis.Redis(LOOPBACK, port, socket_timeout=PATIENCE_S)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def broker_answers(port: int) -> bool:
    """True where a Kafka broker answers a request for its metadata."""
    try:
        with admin_client(f"{LOOPBACK}:{port}", PATIENCE_MS) as client:
            return bool(client.describe_cluster())
    except PeerError:
        return False


def node_is_registered(port: int, number: int) -> bool:
    """True where a node of a Kafka cluster answers, and the cluster counts on it."""
    if not port_answers(port):
        return False
    try:
        with admin_client(f"{LOOPBACK}:{port}", PATIENCE_MS) as client:
            known = client.describe_cluster()["brokers"]
            return number in {broker["broker_id"] for broker in known}
    except PeerError:
        return False


def model_answers(target: str) -> bool:
    """True where a model server says over gRPC health that it serves."""
    with grpc.insecure_channel(target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
