"""The load test of the REST service for stock Locust.

It is the same load test as the Go package locustworker/redisjson: same classes, tasks, weights, tags, waits, rows,
documents and failure texts, so that Python and Go workers can share a run. A test fails when the two differ. The
master needs it for the classes' names and weights; a Python worker runs it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from locust import HttpUser, between, events, tag, task

API = "/api/v1/"
REQUEST_TIMEOUT = 20  # seconds
SAMPLE_SIZE = 150  # keys of each kind of document that are asked for at the start
FLAT_DOCUMENTS = 10_000  # keys of each kind that are written in turn
COMPLEX_DOCUMENTS = 200
MAX_GROWN = 4096  # JSON bytes of a string or an array that changes make grow
MAX_NUMBER, MIN_NUMBER = 1e12, 1e-6

# A document's kind is the prefix of its key.
FLAT, NESTED, COMPLEX = "basicUser:", "user:", "complex:"
KINDS = (FLAT, NESTED, COMPLEX)

# Fields that the tasks work on: those that every document of the kind has, the found ones too.
READ_FIELDS = {
    FLAT: ("name", "age", "email", "city", "about"),
    NESTED: ("name", "age", "location", "address", "company"),
    COMPLEX: ("damage_relations.double_damage_from[0].name", "generation", "names[0].language.name", "pokemon[0].slot"),
}
UPDATE_FIELDS = {
    FLAT: ("age", "balance", "about"),
    NESTED: ("age", "balance", "about", "tags"),
    COMPLEX: ("tags",),
}

COMPLEX_FILE = Path(__file__).parent / "locustworker" / "redisjson" / "complex.json"

FIRST = "Ada Bela Chen Dara Edo Fatima Goran Hana Ivo Jun Kofi Lena Mira Noor Otto Priya Rosa Sven Tala Yara".split()
LAST = "Adler Brandt Costa Duarte Eriksen Fischer Garcia Haddad Ito Jansen Kovac Lopez Meyer Novak Okafor Silva".split()
CITIES = "Accra Bergen Cusco Dakar Essen Fukuoka Ghent Hobart Izmir Jena Kochi Leeds Malaga Nantes Oslo Porto".split()
COUNTRIES = "Ghana Norway Peru Senegal Germany Japan Belgium Australia Turkey India England Spain France".split()
TRADES = "Bikes Books Bread Clocks Coffee Glass Lamps Maps Paper Pianos Ropes Sails Seeds Tools Toys Wool".split()
WORDS = "the bird above a river flies against strong wind while young farmers carry baskets of dark bread home".split()
PROVENANCES = ("import", "mobile", "partner", "web")

Json = Any  # a decoded JSON value
Check = Callable[[dict[str, Json]], str | None]  # what is wrong with a reply of status ok, or None
Answer = tuple[int, dict[str, Json] | None]  # a status and, if it is as it should be, the reply


class Documents:
    """The keys of the documents that the users of this process work on."""

    def __init__(self) -> None:
        self._filling = Lock()
        self.clear()

    def clear(self) -> None:
        """Forgets all documents, for a new test run."""
        self._keys: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self._known: set[str] = set()
        self._filled = False

    def fill(self, fetch: Callable[[str], Sequence[str]]) -> None:
        """Adds what `fetch` finds under each prefix, once a run; other users wait meanwhile."""
        with self._filling:
            if not self._filled:
                for kind in KINDS:
                    for key in fetch(kind):
                        self.add(key)
                self._filled = True

    def add(self, key: str) -> None:
        """Makes a document known. Keys that are none of ours are ignored."""
        kind = next(filter(key.startswith, KINDS), None)
        if kind and key not in self._known:
            self._known.add(key)
            self._keys[kind].append(key)

    def drop(self, key: str) -> None:
        """Forgets a document that is gone."""
        if key in self._known:
            self._known.remove(key)
            for keys in self._keys.values():
                if key in keys:
                    keys.remove(key)

    def pick(self, *kinds: str) -> tuple[str, str] | None:
        """Draws the key of a document of the kinds, and its kind, evenly; None when there is none."""
        counts = [len(self._keys[kind]) for kind in kinds]
        if not any(counts):
            return None
        kind = random.choices(kinds, counts)[0]
        return random.choice(self._keys[kind]), kind


documents = Documents()


def forget_documents(**_: object) -> None:
    """Makes each run begin with the documents that exist then."""
    documents.clear()


events.test_start.add_listener(forget_documents)  # type: ignore[no-untyped-call]  # Locust has no types here


def flat_document(key: str) -> dict[str, Json]:
    """A small random document without nesting."""
    first, last = random.choice(FIRST), random.choice(LAST)
    return {
        "id": key,
        "name": f"{first} {last}",
        "username": f"{first}{random.randrange(100, 999)}",
        "email": f"{first}.{last}@example.com".lower(),
        "age": new_value("age"),
        "balance": new_value("balance"),
        "active": random.random() < 0.5,
        "city": random.choice(CITIES),
        "country": random.choice(COUNTRIES),
        "address": f"{random.randrange(1, 999)} {random.choice(LAST)} Street",
        "location": f"{random.uniform(-180, 180):.6f},{random.uniform(-90, 90):.6f}",
        "company": f"{last} {random.choice(TRADES)}",
        "agent": f"Mozilla/5.0 (X11; Linux x86_64; rv:{random.randrange(100, 140)}.0)",
        "provenance": random.choice(PROVENANCES),
        "about": new_value("about"),
    }


@cache
def complex_document() -> dict[str, Json]:
    """The static document of about 13 KB, without an id."""
    document: dict[str, Json] = json.loads(COMPLEX_FILE.read_bytes())
    return document


def new_value(field: str) -> Json:
    """A random value for one of the fields that are updated."""
    match field:
        case "age":
            return random.randint(18, 89)
        case "balance":
            return (100 * random.randint(1, 9999) + random.randint(1, 99)) / 100
        case "tags":
            return random.choices(WORDS, k=5)
    return " ".join(random.choices(WORDS, k=10)).capitalize() + "."


def outgrown(document: dict[str, Json], field: str) -> bool:
    """Whether a field must be set anew, so that nothing grows with the length of a run."""
    value = document.get(field)
    if field == "balance":
        return isinstance(value, int | float) and not MIN_NUMBER <= value <= MAX_NUMBER
    return len(json.dumps(value, separators=(",", ":"))) > MAX_GROWN


def has_document(reply: dict[str, Json]) -> str | None:
    """Checks a reply that must hold a document."""
    return None if isinstance(reply.get("json"), dict) else "the reply holds no document"


def has_list(reply: dict[str, Json]) -> str | None:
    """Checks a reply that must hold a list."""
    return None if isinstance(reply.get("json"), list) else "the reply holds no list"


def has_value(reply: dict[str, Json]) -> str | None:
    """Checks a reply that must hold any value."""
    return "the reply holds no value" if reply.get("json") is None else None


class RedisJSONUser(HttpUser):
    """Reads, writes, updates and appends to JSON documents."""

    wait_time = between(0.05, 0.2)

    def on_start(self) -> None:
        """Learns which documents there are, unless another user has."""
        documents.fill(self._fetch)

    @tag("read")
    @task(3)
    def get_json(self) -> None:
        """Reads a whole document."""
        self._read("get_json", "doc", has_document)

    @tag("read")
    @task(2)
    def get_json_by_key_and_field(self) -> None:
        """Reads one field or sub-document."""
        self._read("get_json_by_key_and_field", "subdoc", has_value, READ_FIELDS)

    @tag("read")
    @task(1)
    def getListOfFieldsByKey(self) -> None:
        """Reads the names of a document's fields."""
        self._read("getListOfFieldsByKey", "fields", has_list)

    @tag("write")
    @task(2)
    def add_random_small_json(self) -> None:
        """Writes a random flat document."""
        key = f"{FLAT}{random.randint(1, FLAT_DOCUMENTS)}"
        self._add("add_random_small_json", key, flat_document(key))

    @tag("write")
    @task(1)
    def add_static_big_json(self) -> None:
        """Writes the static 13 KB document."""
        key = f"{COMPLEX}{random.randint(1, COMPLEX_DOCUMENTS)}"
        self._add("add_static_big_json", key, {"id": key} | complex_document())

    @tag("update")
    @task(1)
    def numbIncryBy(self) -> None:
        """Adds to a number."""
        self._change("numbIncryBy", "increby", (FLAT, NESTED), "age", num=random.randint(1, 10))

    @tag("update")
    @task(1)
    def numMultiBy(self) -> None:
        """Doubles or halves a number, so that it stays where it is on average."""
        self._change("numMultiBy", "multiby", (FLAT, NESTED), "balance", num=random.choice((2, 0.5)))

    @tag("update")
    @task(2)
    def updateField(self) -> None:
        """Sets a field to a new value of its kind."""
        if found := self._document(*KINDS):
            key, kind = found
            self._set(key, random.choice(UPDATE_FIELDS[kind]))

    @tag("append")
    @task(1)
    def appendString(self) -> None:
        """Appends a word to a string."""
        self._change("appendString", "append", (FLAT, NESTED), "about", str=f" {random.choice(WORDS)}")

    @tag("append")
    @task(1)
    def json_append_array(self) -> None:
        """Appends words to an array."""
        words = random.choices(WORDS, k=random.randint(1, 3))
        self._change("json_append_array", "appendarray", (NESTED, COMPLEX), "tags", arr=words)

    def _fetch(self, prefix: str) -> Sequence[str]:
        query = {"pattern": prefix, "limit": SAMPLE_SIZE}
        _, reply = self._send("GET", "keys", "keys", has_list, params=query)
        return reply["json"] if reply else []

    def _document(self, *kinds: str) -> tuple[str, str] | None:
        """Picks a document, its key and kind, and writes one first when there is none."""
        if not documents.pick(*kinds):
            write = self.add_random_small_json if FLAT in kinds else self.add_static_big_json
            write()
        return documents.pick(*kinds)

    def _read(self, name: str, route: str, check: Check, fields: dict[str, tuple[str, ...]] | None = None) -> None:
        if not (found := self._document(*KINDS)):
            return
        key, kind = found
        path = f"{route}/{quote(key, safe='')}"
        if fields:
            path += "/" + quote(random.choice(fields[kind]), safe="")
        status, _ = self._send("GET", path, name, check)
        self._settle(key, status)

    def _add(self, name: str, key: str, document: dict[str, Json]) -> None:
        def stored(reply: dict[str, Json]) -> str | None:
            return has_document(reply) if reply.get("key") == key else "the reply names another key"

        _, reply = self._send("POST", "redisjson", name, stored, document)
        if reply:
            documents.add(key)

    def _change(self, name: str, route: str, kinds: tuple[str, ...], field: str, **value: Json) -> None:
        """Changes a field and, when the reply shows that it has outgrown its bounds, sets it anew."""
        if not (found := self._document(*kinds)):
            return
        key, _ = found
        body = {"key": key, "field": field, **value}
        status, reply = self._send("PUT", f"redisjson/{route}", name, has_document, body)
        self._settle(key, status)
        if reply and outgrown(reply["json"], field):
            self._set(key, field)

    def _set(self, key: str, field: str) -> None:
        def same_key(reply: dict[str, Json]) -> str | None:
            return None if reply.get("json") == key else "the reply names another key"

        body = {"key": key, "field": field, "str": new_value(field)}
        status, _ = self._send("PUT", "redisjson/update", "updateField", same_key, body)
        self._settle(key, status)

    def _settle(self, key: str, status: int) -> None:
        if status == 404:
            documents.drop(key)

    def _send(self, method: str, path: str, name: str, check: Check, body: Json = None, **options: Json) -> Answer:
        """Sends a request and records it. The status is 0 without an answer."""
        if body is not None:  # compact, as the Go worker sends it
            options["data"] = json.dumps(body, separators=(",", ":"))
            options["headers"] = {"Content-Type": "application/json"}
        options |= {"name": API + name, "catch_response": True, "timeout": REQUEST_TIMEOUT}
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
