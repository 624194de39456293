"""A Redis client of a few commands (RESP2), so that `make deps` and `make up` need no Redis package.

One connection, one command at a time, every call bounded by the timeout. Not safe for concurrent use.
"""

from __future__ import annotations

import socket
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

Reply: TypeAlias = "str | int | list[Reply] | None"
Endpoint: TypeAlias = "tuple[str, int] | Path"


class RespError(Exception):
    """Redis answered with an error; the text is Redis's own."""


class Resp:
    """A connection to `endpoint`: (host, port), or the path of a unix socket.

    Raises OSError when nothing listens there or an answer takes longer than `timeout` seconds.
    """

    def __init__(self, endpoint: Endpoint, timeout: float = 2.0) -> None:
        if isinstance(endpoint, Path):
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.settimeout(timeout)
            try:
                self._sock.connect(str(endpoint))
            except OSError:
                self._sock.close()
                raise
        else:
            self._sock = socket.create_connection(endpoint, timeout)
        self._file = self._sock.makefile("rb")

    def __enter__(self) -> Resp:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; safe to call twice."""
        self._file.close()
        self._sock.close()

    def call(self, *args: str) -> Reply:
        """Sends one command and returns its reply. Raises RespError for an error reply, OSError for a broken link."""
        frame = b"*%d\r\n" % len(args)
        for arg in args:
            raw = arg.encode()
            frame += b"$%d\r\n%s\r\n" % (len(raw), raw)
        self._sock.sendall(frame)
        return self._read()

    def _read(self) -> Reply:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the peer closed the connection in the middle of a reply")
        kind, body = line[:1], line[1:-2].decode(errors="replace")
        match kind:
            case b"+":
                return body
            case b"-":
                raise RespError(body)
            case b":":
                return int(body)
            case b"$":
                return self._bulk(int(body))
            case b"*":
                return [self._read() for _ in range(int(body))]
        raise ConnectionError(f"the peer does not speak the Redis protocol: it sent {line[:40]!r}")

    def _bulk(self, size: int) -> str | None:
        if size < 0:
            return None
        raw = self._file.read(size + 2)
        if len(raw) != size + 2:
            raise ConnectionError("the peer closed the connection in the middle of a reply")
        return raw[:-2].decode(errors="replace")


def module_names(conn: Resp) -> dict[str, int]:
    """The modules that this Redis has loaded, name to version number."""
    found: dict[str, int] = {}
    rows = conn.call("MODULE", "LIST")
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, list):
            fields = {str(row[i]): row[i + 1] for i in range(0, len(row) - 1, 2)}
            version = fields.get("ver")
            found[str(fields.get("name"))] = version if isinstance(version, int) else 0
    return found


def has_json(conn: Resp) -> bool:
    """Whether this Redis knows the JSON commands. Works too where MODULE LIST is forbidden (managed services)."""
    info = conn.call("COMMAND", "INFO", "JSON.SET")
    return isinstance(info, list) and bool(info) and bool(info[0])
