"""Says before anything starts whether the ports are free, and if not, who holds them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

LISTENING = "0A"
PROC = Path("/proc")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on host:port now ("" is every address). Raises OSError for an unusable host."""
    if host:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return _can_bind(family, address)
    free = _can_bind(socket.AF_INET, ("0.0.0.0", port))
    return free and (not _has_ipv6() or _can_bind(socket.AF_INET6, ("::", port)))


def _has_ipv6() -> bool:
    return socket.has_ipv6 and (PROC / "net" / "if_inet6").exists()


def _can_bind(family: socket.AddressFamily, address: tuple[object, ...]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as err:
            if err.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def next_free(host: str, port: int) -> int:
    """The first free port above `port`, to be suggested in an error message."""
    return next((p for p in range(port + 1, 65536) if is_free(host, p)), 0)


def holders(port: int) -> list[str]:
    """The processes listening on the port, as far as /proc shows them to us: "pid 12 (redis-server *:6379)"."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    return [f"pid {pid} ({_command(pid)})" for pid in _pids() if wanted & set(_links(pid))] if wanted else []


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            rows = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _pids() -> list[int]:
    return sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())


def _links(pid: int) -> Iterator[str]:
    try:
        for entry in (PROC / str(pid) / "fd").iterdir():
            yield os.readlink(entry)
    except OSError:
        return


def _command(pid: int) -> str:
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return "?"
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()[:80] or "?"
