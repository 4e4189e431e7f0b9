"""Asks an HTTP server on this machine."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any


def ask(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Status and body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def ask_json(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Status and body of a health answer; status 0 where nobody answers."""
    try:
        status, body = ask(port, path)
    except OSError:
        return 0, {}
    return status, json.loads(body)
