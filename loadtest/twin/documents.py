"""The documents of the load test, and which of them are known; the twin of documents.go and pool.go."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from .settings import SIZE_2MB

Json = Any  # a decoded JSON value

# A document's kind is the prefix of its key. Each has the class that writes it.
FLAT, NESTED, COMPLEX, TEXT, HASH = "basicUser:", "user:", "complex:", "complexString:", "hashUser:"
KINDS = (FLAT, NESTED, COMPLEX, TEXT, HASH)
LOADERS = dict(zip(KINDS, ("RandomJSON", "NestedJSON", "JSONSet", "JSONSet", "HashVsJSONPost"), strict=True))

# Random users are as large as those of the Go worker, on average: bench/parity compares their sizes.

# Fields that the tasks work on: those that every document of the kind has, the found ones too.
READ_FIELDS = {
    FLAT: ("name", "age", "email", "city", "about"),
    NESTED: ("name", "age", "location", "address", "company"),
    COMPLEX: ("damage_relations.double_damage_from[0].name", "generation", "names[0].language.name", "pokemon[0].slot"),
}
WHOLE_FIELDS = dict.fromkeys((COMPLEX, TEXT), ("name", "generation", "tags", "names"))
UPDATE_FIELDS = {
    FLAT: ("age", "balance", "about"),
    NESTED: ("age", "balance", "about", "tags"),
    COMPLEX: ("tags",),
    TEXT: ("about", "tags"),
    HASH: ("age", "about"),
}
STATIC_FIELDS = {COMPLEX: ("about", "tags")}
NESTED_FIELDS = {
    NESTED: ("address.city", "company.name", "address.geo.zip", "company.offices[0].city"),
    COMPLEX: (
        "damage_relations.double_damage_from[0].name",
        "generation.name",
        "names[0].language.name",
        "pokemon[0].pokemon.name",
    ),
}
MAX_GROWN = 4096  # JSON bytes of a string or an array that changes make grow
MAX_NUMBER, MIN_NUMBER = 1e12, 1e-6
VERSIONS = 150  # copies of itself that make the static document one of about 2 MB

COMPLEX_FILE = Path(__file__).parent.parent / "complex.json"

FIRST = "Ada Bela Chen Dara Edo Fatima Goran Hana Ivo Jun Kofi Lena Mira Noor Otto Priya Rosa Sven Tala Yara".split()
LAST = "Adler Brandt Costa Duarte Eriksen Fischer Garcia Haddad Ito Jansen Kovac Lopez Meyer Novak Okafor Silva".split()
CITIES = "Accra Bergen Cusco Dakar Essen Fukuoka Ghent Hobart Izmir Jena Kochi Leeds Malaga Nantes Oslo Porto".split()
REGIONS = ("", "New ", "Port ", "Mount ")
COUNTRIES = (
    "Ghana Norway Peru Senegal Germany Japan Belgium Australia Turkey India New_Zealand South_Korea "
    "United_Kingdom Dominican_Republic Saudi_Arabia Bosnia_and_Herzegovina"
).split()
TRADES = "Bikes Books Bread Clocks Coffee Glass Lamps Maps Paper Pianos Ropes Sails Seeds Tools Toys Wool".split()
WORDS = "the bird above a river flies against strong wind while young farmers carry baskets of dark bread home".split()
PROVENANCES = ("import", "mobile", "partner", "web")


class Documents:
    """The documents that the users of this process work on, by key."""

    def __init__(self) -> None:
        self.run = ""
        self._clear()

    def _clear(self) -> None:
        self._keys: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def begin(self, run: str) -> None:
        """Drops the documents of another run."""
        if not run or run != self.run:
            self.run = run
            self._clear()

    def take(self, run: str, keys: Iterable[str]) -> None:
        """Begins a run, if that has not been done, with the keys of its share."""
        self.begin(run)
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        """Makes a document known. Keys that are none of ours are ignored."""
        kind = next(filter(key.startswith, KINDS), None)
        if kind and key not in self._places:
            self._places[key] = len(self._keys[kind])
            self._keys[kind].append(key)

    def drop(self, key: str) -> None:
        """Drops a document that is gone."""
        if key not in self._places:
            return
        keys = self._keys[next(filter(key.startswith, KINDS))]
        place, last = self._places.pop(key), keys.pop()
        if last != key:
            keys[place], self._places[last] = last, place

    def pick(self, rng: random.Random, *kinds: str) -> tuple[str, str] | None:
        """Draws the key of a document of the kinds, and its kind, evenly; None when there is none."""
        counts = [len(self._keys[kind]) for kind in kinds]
        if not any(counts):
            return None
        kind = rng.choices(kinds, counts)[0]
        return rng.choice(self._keys[kind]), kind


def flat_document(rng: random.Random, key: str) -> dict[str, Json]:
    """A random user without nesting."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    return _person(rng, key, first, last) | {
        "city": _city(rng),
        "country": _country(rng),
        "address": _street(rng),
        "location": f"{rng.uniform(-180, 180):.6f},{rng.uniform(-90, 90):.6f}",
        "company": f"{last} {rng.choice(TRADES)}",
        "agent": _agent(rng),
        "provenance": rng.choice(PROVENANCES),
        "about": sentence(rng),
    }


def nested_document(rng: random.Random, key: str) -> dict[str, Json]:
    """A random user with objects and arrays, of about 3 KB."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    return _person(rng, key, first, last) | {
        "location": {"lat": _fraction(rng.uniform(-90, 90)), "lon": _fraction(rng.uniform(-180, 180))},
        "address": {
            "street": _street(rng),
            "city": _city(rng),
            "country": _country(rng),
            "geo": {"zip": str(rng.randrange(10_000, 99_999)), "zone": _country(rng)},
        },
        "company": {
            "name": f"{last} {rng.choice(TRADES)}",
            "employees": rng.randint(1, 5000),
            "offices": [{"city": _city(rng), "floor": rng.randint(1, 30)} for _ in range(3)],
        },
        "agent": _agent(rng),
        "provenance": rng.choice(PROVENANCES),
        "about": sentence(rng),
        "tags": rng.choices(WORDS, k=5),
        "scores": [rng.randint(0, 999) for _ in range(20)],
        "friends": [{"name": rng.choice(FIRST), "age": age(rng)} for _ in range(rng.randint(5, 14))],
        "history": [
            {"step": step, "item": rng.choice(WORDS), "amount": balance(rng), "note": sentence(rng)}
            for step in range(rng.randint(15, 29))
        ],
    }


def _person(rng: random.Random, key: str, first: str, last: str) -> dict[str, Json]:
    return {
        "id": key,
        "name": f"{first} {last}",
        "username": f"{first}{rng.randrange(1_000_000, 9_999_999)}",
        "email": f"{first}.{last}@example.com".lower(),
        "age": age(rng),
        "balance": balance(rng),
        "active": rng.random() < 0.5,
    }


def _street(rng: random.Random) -> str:
    return f"{rng.randrange(1, 999)} {rng.choice(LAST)} Street"


def _city(rng: random.Random) -> str:
    return rng.choice(REGIONS) + rng.choice(CITIES)


def _country(rng: random.Random) -> str:
    return rng.choice(COUNTRIES).replace("_", " ")


def _agent(rng: random.Random) -> str:
    system, version = rng.choice(("X11; Linux", "Macintosh")), rng.randrange(100, 140)
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"


def _fraction(x: float) -> float:
    """Six decimals and a half, so never a whole number."""
    return (int(x * 1e6) + 0.5) / 1e6


def age(rng: random.Random) -> int:
    """A new age."""
    return rng.randint(18, 89)


def balance(rng: random.Random) -> float:
    """An amount with two decimals, never a whole number."""
    return (100 * rng.randint(1, 9999) + rng.randint(1, 99)) / 100


def sentence(rng: random.Random) -> str:
    """Some words."""
    return " ".join(rng.choices(WORDS, k=rng.randint(6, 7))).capitalize() + "."


def new_value(rng: random.Random, field: str) -> Json:
    """A random value for one of the fields that are updated."""
    match field:
        case "age":
            return age(rng)
        case "balance" | "stats.speed":
            return balance(rng)
        case "tags":
            return rng.choices(WORDS, k=5)
        case "about":
            return sentence(rng)
    return rng.choice(WORDS)


@cache
def _complex_document() -> bytes:
    return COMPLEX_FILE.read_bytes()


def static_document(key: str, size: str) -> bytes:
    """The static document, a game's record, of about 13 KB or 2 MB."""
    record = _complex_document()
    versions = b',"versions":[' + b",".join([record] * VERSIONS) + b"]" if size == SIZE_2MB else b""
    return b'{"id":"' + key.encode() + b'",' + record[1:-1] + versions + b"}"


def outgrown(document: dict[str, Json], field: str) -> bool:
    """Whether a field must be set anew, so that nothing grows with the length of a run."""
    value: Json = document
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if field in ("balance", "stats.speed"):
        return isinstance(value, int | float) and not MIN_NUMBER <= value <= MAX_NUMBER
    if field in ("age", "stats.power"):
        return False
    return len(json.dumps(value, separators=(",", ":"))) > MAX_GROWN
