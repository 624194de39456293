"""Users that talk to Redis itself; the twin of direct.go and tasks_direct.go."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from . import documents as docs
from .documents import COMPLEX, FLAT, HASH, Json
from .exchange import scenario
from .user import DocumentUser, Fields, compact

if TYPE_CHECKING:
    from .connection import Client

SET_FIELD = "JSON.SET complex:* field"
MAX_ITEMS = 400  # words of an array that appending makes grow

Args = list[Json]
GONE = ("key that doesn't exist", "must be created at the root")


class DirectUser(DocumentUser):
    """Sends commands over a connection of its own, and records each."""

    abstract = True
    direct: ClassVar[bool] = True
    _client: Client | None = None

    def on(
        self, row: str, kind: str, args: Callable[[], Args], then: Callable[[str, Json], None] | None = None
    ) -> None:
        """Sends commands on documents of a kind; args are those of one, without the key after its name."""
        commands = []
        keys = []
        for _ in range(self.config.pipeline_depth):
            key, _ = self.document(kind)
            name, *rest = args()
            keys.append(key)
            commands.append([name, key, *rest])
        for key, reply in zip(keys, self._send(row, commands), strict=True):
            if reply is None or (isinstance(reply, Exception) and any(text in str(reply) for text in GONE)):
                scenario.documents.drop(key)
            elif then and not isinstance(reply, Exception):
                then(key, reply)

    def _add(self, row: str, kind: str, args: Callable[[str], Args]) -> None:
        keys = [self.next_key(kind) for _ in range(self.config.pipeline_depth)]
        for key, reply in zip(keys, self._send(row, [args(key) for key in keys]), strict=True):
            if not isinstance(reply, Exception):
                scenario.documents.add(key)

    def add_static(self, row: str, kind: str, name: str, *path: str) -> None:
        """Writes the static document."""
        self._add(row, kind, lambda key: [name, key, *path, docs.static_document(key, self.config.document_size)])

    def add_flat(self, row: str) -> None:
        """Writes a random user as JSON."""
        self._add(row, FLAT, lambda key: ["JSON.SET", key, "$", compact(docs.flat_document(self.random, key))])

    def add_hash(self, row: str) -> None:
        """Writes a random user as a hash."""

        def args(key: str) -> Args:
            flat: Args = ["HSET", key]
            for name, value in docs.flat_document(self.random, key).items():
                flat += [name, flat_text(value)]
            return flat

        self._add(row, HASH, args)

    def get_hash(self, row: str) -> None:
        """Reads a random user as a hash."""
        self.on(row, HASH, lambda: ["HGETALL"], lambda key, reply: None if reply else scenario.documents.drop(key))

    def update_hash(self, row: str) -> None:
        """Sets a field of a hash."""

        def args() -> Args:
            field = self.random.choice(docs.UPDATE_FIELDS[HASH])
            return ["HSET", field, flat_text(docs.new_value(self.random, field))]

        self.on(row, HASH, args)

    def path(self, fields: Fields) -> str:
        """A JSONPath of one of the static document's fields."""
        return "$." + self.random.choice(fields[COMPLEX])

    def set_field(self, row: str, fields: Fields) -> None:
        """Sets one of the static document's fields."""

        def args() -> Args:
            path = self.path(fields)
            return ["JSON.SET", path, compact(docs.new_value(self.random, path[2:]))]

        self.on(row, COMPLEX, args)

    def _reset(self, key: str, field: str) -> None:
        self._send(SET_FIELD, [["JSON.SET", key, f"$.{field}", compact(docs.new_value(self.random, field))]])

    def append_text(self) -> None:
        """Appends a word to a string."""
        self.on(
            "JSON.STRAPPEND complex:*",
            COMPLEX,
            lambda: ["JSON.STRAPPEND", "$.about", compact(f" {self.random.choice(docs.WORDS)}")],
            lambda key, reply: self._keep_below(key, "about", reply, docs.MAX_GROWN),
        )

    def append_list(self) -> None:
        """Appends words to an array."""

        def args() -> Args:
            words = self.random.choices(docs.WORDS, k=self.random.randint(1, 3))
            return ["JSON.ARRAPPEND", "$.tags", *map(compact, words)]

        self.on(
            "JSON.ARRAPPEND complex:*",
            COMPLEX,
            args,
            lambda key, reply: self._keep_below(key, "tags", reply, MAX_ITEMS),
        )

    def _keep_below(self, key: str, field: str, lengths: Json, limit: int) -> None:
        if len(lengths) == 1 and (lengths[0] or 0) > limit:
            self._reset(key, field)

    def increase(self) -> None:
        """Adds to a number."""
        self.on(
            "JSON.NUMINCRBY complex:*",
            COMPLEX,
            lambda: ["JSON.NUMINCRBY", "$.stats.power", self.random.randint(1, 10)],
        )

    def multiply(self) -> None:
        """Doubles or halves a number."""

        def keep(key: str, reply: Json) -> None:
            value = json.loads(reply)[0]
            if value is not None and not docs.MIN_NUMBER <= value <= docs.MAX_NUMBER:
                self._reset(key, "stats.speed")

        self.on(
            "JSON.NUMMULTBY complex:*",
            COMPLEX,
            lambda: ["JSON.NUMMULTBY", "$.stats.speed", self.random.choice(("2", "0.5"))],
            keep,
        )

    def _send(self, row: str, commands: Sequence[Args]) -> list[Json]:
        """Sends one command, or several in a pipeline, and records each. An error is the reply of its command."""
        if self._client is None:
            from .connection import Client  # a master needs no Redis client

            self._client = Client(self.config.redis_url, self.config.request_timeout)
        start, wall = time.perf_counter(), time.time()
        replies, length = self._client.send(commands)
        took = (time.perf_counter() - start) * 1000
        share, rest = divmod(length, len(commands))
        for i, reply in enumerate(replies):
            failed = isinstance(reply, Exception)
            self.environment.events.request.fire(
                request_type="REDIS",
                name=row,
                response_time=took,
                response_length=share + (0 if i else rest),
                exception=error_text(reply) if failed else None,
                start_time=wall,
                context=self.context(),
            )
        return replies

    def on_stop(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            self._client.close()


def error_text(error: Exception) -> str:
    """The text of an error reply as Redis sent it: redis-py takes its most common code away."""
    text = str(error)
    return text if text.split(" ")[0].isupper() else f"ERR {text}"


def flat_text(value: Any) -> str:
    """A value as a hash's field stores it: a text as it is, another value as JSON."""
    return value if isinstance(value, str) else compact(value).decode()
