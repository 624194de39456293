"""Sample documents for an empty database: small flat ones and big nested ones, the same in every run."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any

SEED = 20260101
FLAT, NESTED = "basicUser:", "user:"
PER_NESTED = 3  # flat documents for each nested one

FIRST = "Ada Bela Chen Dara Edo Fatima Goran Hana Ivo Jun Kofi Lena Mira Noor Otto Priya Rosa Sven Tala Yara".split()
LAST = "Adler Brandt Costa Duarte Eriksen Fischer Garcia Haddad Ito Jansen Kovac Lopez Meyer Novak Okafor Silva".split()
CITIES = "Accra Bergen Cusco Dakar Essen Fukuoka Ghent Hobart Izmir Jena Kochi Leeds Malaga Nantes Oslo Porto".split()
COUNTRIES = "Ghana Norway Peru Senegal Germany Japan Belgium Australia Turkey India England Spain France".split()
TRADES = "Bikes Books Bread Clocks Coffee Glass Lamps Maps Paper Pianos Ropes Sails Seeds Tools Toys Wool".split()
TAGS = "admin beta early fast gold late mobile new paid quiet slow staff trial vip web".split()
WORDS = "the bird above a river flies against strong wind while young farmers carry baskets of dark bread home".split()

Json = dict[str, Any]


class SamplesFailed(Exception):
    """The API did not take a document; the text says which and why."""


def flat(rng: random.Random, number: int) -> Json:
    """A small document without nesting, about 300 bytes."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    return {
        "id": f"{FLAT}{number}",
        "name": f"{first} {last}",
        "username": f"{first}{rng.randrange(100, 999)}".lower(),
        "email": f"{first}.{last}@example.com".lower(),
        "age": rng.randrange(18, 90),
        "balance": round(rng.uniform(0, 10_000), 2),
        "active": rng.random() < 0.8,
        "city": rng.choice(CITIES),
        "country": rng.choice(COUNTRIES),
        "company": f"{last} {rng.choice(TRADES)}",
        "about": _text(rng, 12),
    }


def nested(rng: random.Random, number: int) -> Json:
    """A document with objects in objects and arrays of objects, about 5 kB."""
    return flat(rng, number) | {
        "id": f"{NESTED}{number}",
        "location": {"lat": round(rng.uniform(-90, 90), 6), "lon": round(rng.uniform(-180, 180), 6)},
        "address": {
            "street": f"{rng.choice(LAST)} Street",
            "number": rng.randrange(1, 200),
            "city": rng.choice(CITIES),
            "geo": {"zip": f"{rng.randrange(10_000, 99_999)}", "zone": {"name": rng.choice(COUNTRIES), "code": number}},
        },
        "company": {
            "name": f"{rng.choice(LAST)} {rng.choice(TRADES)}",
            "employees": rng.randrange(1, 5000),
            "offices": [{"city": city, "floor": rng.randrange(1, 30)} for city in rng.sample(CITIES, 3)],
        },
        "tags": rng.sample(TAGS, 5),
        "scores": [rng.randrange(1000) for _ in range(20)],
        "friends": [{"name": rng.choice(FIRST), "age": rng.randrange(18, 90)} for _ in range(rng.randrange(5, 15))],
        "history": [_event(rng, step) for step in range(rng.randrange(15, 30))],
    }


def _event(rng: random.Random, step: int) -> Json:
    return {"step": step, "kind": rng.choice(TAGS), "amount": round(rng.uniform(1, 500), 2), "note": _text(rng, 10)}


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def documents(count: int) -> list[Json]:
    """`count` documents, every fourth a nested one; the same for the same count, in every process."""
    rng = random.Random(SEED)
    made: list[Json] = []
    for index in range(count):
        number, kind = divmod(index, PER_NESTED + 1)
        if kind == PER_NESTED:
            made.append(nested(rng, number + 1))
        else:
            made.append(flat(rng, number * PER_NESTED + kind + 1))
    return made


def load(host: str, port: int, count: int, tell: Callable[[int], bool]) -> int:
    """Stores `count` documents through the API, one by one. Returns how many were stored.

    `tell` is called with the number stored so far; it ends the loading by returning False.
    Raises SamplesFailed when the API refuses a document or is gone.
    """
    conn = HTTPConnection(host, port, timeout=10)
    try:
        for stored, document in enumerate(documents(count)):
            if not tell(stored):
                return stored
            conn.request("POST", "/api/v1/redisjson", json.dumps(document), {"Content-Type": "application/json"})
            response = conn.getresponse()
            body = response.read()
            if response.status != 200:
                raise SamplesFailed(f"the API answered {response.status} to {document['id']}: {body[:200]!r}")
    except (OSError, HTTPException) as err:
        raise SamplesFailed(f"the API was lost while sample documents were loaded: {err}") from err
    finally:
        conn.close()
    tell(count)
    return count
