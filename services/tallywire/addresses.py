"""Addresses of servers as people write them: told apart from what is none, passwords kept back."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

HIGHEST_PORT = 65_535
HOST = re.compile(r"[^\s,:/@\[\]]+|\[[0-9A-Fa-f:.%]+\]")
GRPC_SCHEME = re.compile(r"(ipv4|ipv6|dns|unix|unix-abstract|xds|passthrough|vsock):(.+)")
REDIS_SCHEMES = ("redis", "rediss", "unix")
# Where passwords stand: redis://user:password@host, and redis://host?password=...
IN_HEAD = re.compile(r"^((?:\w+://)?[^:@/]*):.*@", re.DOTALL)
IN_QUERY = re.compile(r"([?&]password=)[^&]*", re.IGNORECASE)


def bootstrap_servers(text: str) -> str:
    """Kafka's bootstrap servers, `host:port[,host:port...]`, without spaces.

    Raises:
        ValueError: naming the one that is no address.
    """
    servers = [server.strip() for server in text.split(",")]
    for server in servers:
        require_address(server)
    return ",".join(servers)


def grpc_target(text: str) -> str:
    """A gRPC target: `host:port`, `ipv4:host:port,host:port` or another of gRPC's schemes.

    Raises:
        ValueError: it is none.
    """
    schemed = GRPC_SCHEME.fullmatch(text)
    if schemed is None:
        require_address(text)
    elif schemed[1] in ("ipv4", "ipv6"):
        for server in schemed[2].split(","):
            require_address(server)
    elif schemed[1] == "dns" and not schemed[2].isdigit():  # dns:[//authority/]host:port
        require_address(schemed[2].rpartition("/")[2])
    elif schemed[1] == "dns":
        require_address(text)  # a host that is called dns
    return text


def redis_url(text: str) -> str:
    """A URL of Redis, `redis://[user:password@]host:port/number`, `rediss://` or `unix://`.

    Raises:
        ValueError: it is none.
    """
    example = "a URL such as redis://127.0.0.1:6379/0"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{example}: {error}") from None
    if parts.scheme not in REDIS_SCHEMES or port == 0:
        raise ValueError(example)
    if parts.scheme != "unix" and not parts.hostname:
        raise ValueError(f"{example}: it names no host")
    if parts.scheme != "unix" and not re.fullmatch(r"/?|/[0-9]{1,5}", parts.path):
        raise ValueError(f"{example}: after the host comes the number of a database")
    return text


def require_address(text: str) -> None:
    """Raise ValueError unless this is `host:port`; IPv6 as `[::1]:9092`."""
    host, _, port = text.rpartition(":")
    if not HOST.fullmatch(host):
        raise ValueError(f"host:port, and {text!r} is none")
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= HIGHEST_PORT):
        raise ValueError(f"host:port, and {port!r} of {text!r} is no port (1 to {HIGHEST_PORT:,})")


def without_password(url: str) -> str:
    """The same URL, its password replaced by stars: what may be printed and logged."""
    return IN_HEAD.sub(r"\1:***@", IN_QUERY.sub(r"\1***", url))
