"""The forms of requests that the classes' tasks are made of; the twin of user.go and tasks.go."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from locust import HttpUser, User
from locust.exception import RescheduleTask

from . import documents as docs
from .documents import COMPLEX, FLAT, HASH, KINDS, LOADERS, NESTED, TEXT, Json
from .exchange import scenario

API = "/api/v1/"

Check = Callable[[dict[str, Json]], str | None]  # what is wrong with a reply of status ok, or None
Answer = tuple[int, dict[str, Json] | None]  # a status and, if it is as it should be, the reply
Fields = Mapping[str, tuple[str, ...]]


class NoData(Exception):
    """A test set has no documents to work on; the text says what to do."""


def has_document(reply: dict[str, Json]) -> str | None:
    """Checks a reply that must hold a document."""
    return None if isinstance(reply.get("json"), dict) else "the reply holds no document"


def has_list(reply: dict[str, Json]) -> str | None:
    """Checks a reply that must hold a list."""
    return None if isinstance(reply.get("json"), list) else "the reply holds no list"


def has_text(reply: dict[str, Json]) -> str | None:
    """Checks a reply that must hold a text."""
    return None if isinstance(reply.get("json"), str) else "the reply holds no text"


def has_value(reply: dict[str, Json]) -> str | None:
    """Checks a reply that must hold any value."""
    return "the reply holds no value" if reply.get("json") is None else None


def names(key: str) -> Check:
    """A check of a reply that must name a key as its json."""
    return lambda reply: None if reply.get("json") == key else "the reply names another key"


def stored(key: str, check: Check = has_document) -> Check:
    """A check of a reply that must hold what was stored, and name no other key."""
    return lambda reply: check(reply) if reply.get("key", key) == key else "the reply names another key"


class DocumentUser(User):
    """What all classes have in common."""

    abstract = True
    writes: ClassVar[bool] = False  # write a document where there is none to work on, instead of saying that
    direct: ClassVar[bool] = False  # talk to Redis itself

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)  # type: ignore[no-untyped-call]  # Locust has no types here
        self.config = scenario.config
        self._choices, self.random = scenario.seeded(type(self).__name__)
        number = scenario.count_user()
        self.own_key = f"deleteJSON:{scenario.index + 1}-{number}"
        self._owes = False  # the user's own document is written and not deleted

    def on_start(self) -> None:
        """Has the tasks chosen by the user's own random numbers, where there is a seed (called by Locust)."""
        if self.config.seed:
            tasks = self._taskset_instance
            usual = tasks.get_next_task  # which says what is wrong when there are none
            tasks.get_next_task = lambda: self._choices.choice(self.tasks) if self.tasks else usual()

    def wait_time(self) -> float:
        """The pause between two tasks."""
        return self._choices.uniform(self.config.wait_min, self.config.wait_max)

    def document(self, *kinds: str) -> tuple[str, str]:
        """Picks a document, its key and kind. Where there is none, writes one first or says so, as the class does."""
        if found := scenario.documents.pick(self.random, *kinds):
            return found
        if not self.writes:
            raise self._no_data(kinds)
        self.write_one(kinds)
        if found := scenario.documents.pick(self.random, *kinds):
            return found
        raise RescheduleTask  # the failed request says why

    def write_one(self, kinds: tuple[str, ...]) -> None:
        """Writes a document of one of the kinds, for classes that do that."""
        raise NotImplementedError

    def _no_data(self, kinds: tuple[str, ...]) -> Exception:
        keys = " or ".join(f"{kind}*" for kind in kinds)
        classes = " or ".join(dict.fromkeys(LOADERS[kind] for kind in kinds))
        text = f"no data: {type(self).__name__} has no documents {keys} to work on: run {classes} first or `make data`"
        return NoData(text) if scenario.first(text) else RescheduleTask()

    def next_key(self, kind: str) -> str:
        """Draws a key that is written, of a kind."""
        static = kind in (COMPLEX, TEXT)
        return (
            f"{kind}{self.random.randint(1, self.config.static_documents if static else self.config.random_documents)}"
        )


class ScenarioUser(DocumentUser, HttpUser):
    """What the classes that talk to the service have in common."""

    abstract = True

    def write_one(self, kinds: tuple[str, ...]) -> None:
        """Writes a document of one of the kinds."""
        if FLAT in kinds:
            self.add_random("add_random_small_json", "redisjson", FLAT)
        elif COMPLEX in kinds:
            self.add_static("add_static_big_json", "redisjson", COMPLEX)
        else:
            self.add_random("add_random_big_json", "redisjson", NESTED)

    def get(self, name: str, route: str, check: Check, *kinds: str) -> None:
        """Reads from a route by the key of a document of one of the kinds."""
        key, _ = self.document(*kinds)
        self._settle(key, self._send("GET", route + quote(key, safe=""), name, check)[0])

    def get_part(self, name: str, route: str, fields: Fields, *kinds: str) -> None:
        """Reads one of the fields of a document, by its kind."""
        key, kind = self.document(*kinds)
        path = f"{route}{quote(key, safe='')}/{quote(self.random.choice(fields[kind]), safe='')}"
        self._settle(key, self._send("GET", path, name, has_value)[0])

    def add_random(self, name: str, route: str, kind: str) -> None:
        """Writes a random user, who exists from then on."""
        key = self.next_key(kind)
        make = docs.nested_document if kind == NESTED else docs.flat_document
        self._add(name, route, key, compact(make(self.random, key)), stored(key))

    def add_static(self, name: str, route: str, kind: str) -> None:
        """Writes the static document, which exists from then on."""
        key = self.next_key(kind)
        body = docs.static_document(key, self.config.document_size)
        self._add(name, route, key, body, stored(key, has_text if kind == TEXT else has_document))

    def _add(self, name: str, route: str, key: str, body: bytes, check: Check) -> None:
        if self._send("POST", route, name, check, body)[1]:
            scenario.documents.add(key)

    def delete_own(self, added: str, deleted: str) -> None:
        """Writes a document under the user's own key and deletes it."""
        key = self.own_key
        body = docs.static_document(key, self.config.document_size)
        if self._send("POST", "redisjson", added, stored(key), body)[1]:
            self._owes = True
            self._delete_own(deleted)

    def _delete_own(self, deleted: str) -> None:
        path = "redisjson/delete/" + quote(self.own_key, safe="")
        self._send("DELETE", path, deleted, names(self.own_key))
        self._owes = False

    def on_stop(self) -> None:
        """Deletes a document of the user's own that a stop came in between with."""
        if self._owes:
            self._delete_own("delete_json")

    def update(self, name: str, fields: Fields, *kinds: str) -> None:
        """Sets one of the fields of a JSON document, by its kind."""
        key, kind = self.document(*kinds)
        self._set(name, key, self.random.choice(fields[kind]))

    def update_at(self, name: str, route: str, kind: str) -> None:
        """Sets a field of a document that is a string or a hash."""
        key, _ = self.document(kind)
        field = self.random.choice(docs.UPDATE_FIELDS[kind])
        check = has_document if kind == HASH else stored(key, has_text)
        body = {"key": key, "field": field, "str": docs.new_value(self.random, field)}
        self._settle(key, self._send("PUT", route, name, check, compact(body))[0])

    def increase(self, reset: str, field: str, *kinds: str) -> None:
        """Adds to a number."""
        self._change("numbIncryBy", "increby", reset, field, kinds, "num", self.random.randint(1, 10))

    def multiply(self, reset: str, field: str, *kinds: str) -> None:
        """Doubles or halves a number, so that it stays where it is on average."""
        self._change("numMultiBy", "multiby", reset, field, kinds, "num", self.random.choice((2, 0.5)))

    def append_text(self, name: str, reset: str, *kinds: str) -> None:
        """Appends a word to a string."""
        self._change(name, "append", reset, "about", kinds, "str", f" {self.random.choice(docs.WORDS)}")

    def append_list(self, reset: str, *kinds: str) -> None:
        """Appends words to an array."""
        words = self.random.choices(docs.WORDS, k=self.random.randint(1, 3))
        self._change("json_append_array", "appendarray", reset, "tags", kinds, "arr", words)

    def _change(
        self, name: str, route: str, reset: str, field: str, kinds: tuple[str, ...], what: str, value: Json
    ) -> None:
        """Changes a field and, when the reply shows that it has outgrown its bounds, sets it anew."""
        key, _ = self.document(*kinds)
        body = compact({"key": key, "field": field, what: value})
        status, reply = self._send("PUT", f"redisjson/{route}", name, has_document, body)
        self._settle(key, status)
        if reply and docs.outgrown(reply["json"], field):
            self._set(reset, key, field)

    def _set(self, name: str, key: str, field: str) -> None:
        body = compact({"key": key, "field": field, "str": docs.new_value(self.random, field)})
        self._settle(key, self._send("PUT", "redisjson/update", name, names(key), body)[0])

    def _settle(self, key: str, status: int) -> None:
        """Drops a document that turned out to be gone."""
        if status == 404:
            scenario.documents.drop(key)

    def _send(self, method: str, path: str, name: str, check: Check, body: bytes | None = None) -> Answer:
        """Sends a request and records it. The status is 0 without an answer."""
        options: dict[str, Json] = {"name": API + name, "catch_response": True, "timeout": self.config.request_timeout}
        if body is not None:
            options |= {"data": body, "headers": {"Content-Type": "application/json"}}
        with self.client.request(method, API + path, **options) as response:
            if not 0 < response.status_code < 400:
                return response.status_code, None  # Locust's own rule makes it a failure
            try:
                reply = response.json()
            except ValueError:
                reply = None
            if not isinstance(reply, dict) or reply.get("status") != "ok":
                wrong: str | None = "the reply does not say status ok"
            else:
                wrong = check(reply)
            if wrong:
                response.failure(wrong)
                return response.status_code, None
            return response.status_code, reply


def compact(value: Json) -> bytes:
    """A JSON text as the Go worker sends it."""
    return json.dumps(value, separators=(",", ":")).encode()


__all__ = ["API", "KINDS", "DocumentUser", "NoData", "ScenarioUser", "has_document", "has_list", "has_text"]
