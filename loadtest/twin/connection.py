"""The connection of a user that talks to Redis itself."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import redis
from redis.connection import Connection, SSLConnection

Reply = Any


class _Counting:
    """A socket that counts what it reads."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.read = 0

    def recv(self, *args: Any) -> bytes:
        data = self._sock.recv(*args)
        self.read += len(data)
        return data

    def recv_into(self, *args: Any) -> int:
        n = self._sock.recv_into(*args)
        self.read += n
        return n

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Plain(Connection):
    def _connect(self) -> Any:
        return _Counting(super()._connect())


class _TLS(SSLConnection):
    def _connect(self) -> Any:
        return _Counting(super()._connect())


class Client:
    """Sends commands, none twice. Use it in one greenlet at a time."""

    def __init__(self, url: str, timeout: float) -> None:
        if "://" not in url:
            url = "redis://" + url
        options = redis.connection.parse_url(url.split(",")[0])
        options.pop("connection_class", None)
        options |= {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0),
            "protocol": 2,
            "decode_responses": True,
            "lib_name": None,
            "lib_version": None,
        }
        self._connection = (_TLS if url.startswith("rediss") else _Plain)(**options)

    def send(self, commands: Sequence[list[Any]]) -> tuple[list[Reply], int]:
        """Sends commands in one go. Returns a reply or an exception for each, and the bytes that were read."""
        replies: list[Reply] = []
        try:
            self._connection.connect()
            before = self._connection._sock.read
            self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
            for _ in commands:
                try:
                    replies.append(self._connection.read_response())
                except redis.ResponseError as err:
                    replies.append(err)
            return replies, self._connection._sock.read - before
        except (redis.RedisError, OSError) as err:
            self._connection.disconnect()
            return replies + [err] * (len(commands) - len(replies)), 0

    def close(self) -> None:
        """Closes the connection."""
        self._connection.disconnect()
