"""The load test of the REST service for stock Locust.

It is the same load test as the Go package loadtest: same classes, tasks, weights, tags, waits, rows,
documents, settings and failure texts, so that Python and Go workers can share a run. A test fails when the two differ.
The master needs it for the classes' names and weights, and to deal the documents out; a Python worker runs it.

RedisJSONUser is the mixed class, which runs where no other is asked for. The others are test sets: choose them with
--class-picker in the web UI, by name on the command line, or by --tags. docs/test-sets.md describes them.
"""

from __future__ import annotations

from locust import tag, task

import master.go_workers  # lets Go workers stop a run
import master.prometheus_exporter  # noqa: F401  # /metrics on the master
from loadtest.twin.direct import DirectUser
from loadtest.twin.documents import (
    COMPLEX,
    FLAT,
    HASH,
    NESTED,
    NESTED_FIELDS,
    READ_FIELDS,
    STATIC_FIELDS,
    TEXT,
    UPDATE_FIELDS,
    WHOLE_FIELDS,
)
from loadtest.twin.exchange import scenario
from loadtest.twin.user import DocumentUser, ScenarioUser, has_document, has_list, has_text


class RedisJSONUser(ScenarioUser):
    """Reads, writes, updates and appends to JSON documents of all kinds."""

    writes = True

    @tag("read", "RedisJSONUser")
    @task(3)
    def get_json(self) -> None:
        """Reads a whole document."""
        self.get("get_json", "doc/", has_document, FLAT, NESTED, COMPLEX)

    @tag("read", "RedisJSONUser")
    @task(2)
    def get_json_by_key_and_field(self) -> None:
        """Reads one field or sub-document."""
        self.get_part("get_json_by_key_and_field", "subdoc/", READ_FIELDS, FLAT, NESTED, COMPLEX)

    @tag("read", "RedisJSONUser")
    @task(1)
    def getListOfFieldsByKey(self) -> None:
        """Reads the names of a document's fields."""
        self.get("getListOfFieldsByKey", "fields/", has_list, FLAT, NESTED, COMPLEX)

    @tag("write", "RedisJSONUser")
    @task(2)
    def add_random_small_json(self) -> None:
        """Writes a random flat document."""
        self.add_random("add_random_small_json", "redisjson", FLAT)

    @tag("write", "RedisJSONUser")
    @task(1)
    def add_static_big_json(self) -> None:
        """Writes the static document."""
        self.add_static("add_static_big_json", "redisjson", COMPLEX)

    @tag("update", "RedisJSONUser")
    @task(1)
    def numbIncryBy(self) -> None:
        """Adds to a number."""
        self.increase("updateField", "age", FLAT, NESTED)

    @tag("update", "RedisJSONUser")
    @task(1)
    def numMultiBy(self) -> None:
        """Doubles or halves a number."""
        self.multiply("updateField", "balance", FLAT, NESTED)

    @tag("update", "RedisJSONUser")
    @task(2)
    def updateField(self) -> None:
        """Sets a field to a new value of its kind."""
        self.update("updateField", UPDATE_FIELDS, FLAT, NESTED, COMPLEX)

    @tag("append", "RedisJSONUser")
    @task(1)
    def appendString(self) -> None:
        """Appends a word to a string."""
        self.append_text("appendString", "updateField", FLAT, NESTED)

    @tag("append", "RedisJSONUser")
    @task(1)
    def json_append_array(self) -> None:
        """Appends words to an array."""
        self.append_list("updateField", NESTED, COMPLEX)


class JSONSet(ScenarioUser):
    """Loads the static document, as JSON and as a string, for the others: run it first."""

    @tag("write", "JSONSet")
    @task(1)
    def add_json(self) -> None:
        """Writes the static document as JSON."""
        self.add_static("add_json", "redisjson", COMPLEX)

    @tag("write", "JSONSet")
    @task(1)
    def add_string(self) -> None:
        """Writes the static document as a string."""
        self.add_static("add_string", "string", TEXT)


class JSONGet(ScenarioUser):
    """Reads what JSONSet has written."""

    @tag("read", "JSONGet")
    @task(1)
    def get_json(self) -> None:
        """Reads a whole document."""
        self.get("get_json", "doc/", has_document, COMPLEX)

    @tag("read", "JSONGet")
    @task(1)
    def get_string(self) -> None:
        """Reads a whole string."""
        self.get("get_string", "string/", has_text, TEXT)


class JSONChange(ScenarioUser):
    """Changes what JSONSet has written."""

    @tag("update", "JSONChange")
    @task(1)
    def updateField_json(self) -> None:
        """Sets a field of a document."""
        self.update("updateField_json", STATIC_FIELDS, COMPLEX)

    @tag("update", "JSONChange")
    @task(1)
    def updateField_string(self) -> None:
        """Sets a field in a string, which is rewritten as a whole."""
        self.update_at("updateField_string", "string/update", TEXT)

    @tag("update", "JSONChange")
    @task(1)
    def update_nested_Field_json(self) -> None:
        """Sets a field deep in a document."""
        self.update("update_nested_Field_json", NESTED_FIELDS, COMPLEX)

    @tag("append", "JSONChange")
    @task(1)
    def json_append_string(self) -> None:
        """Appends a word to a string in a document."""
        self.append_text("json_append_string", "updateField_json", COMPLEX)

    @tag("append", "JSONChange")
    @task(1)
    def json_append_array(self) -> None:
        """Appends words to an array in a document."""
        self.append_list("updateField_json", COMPLEX)

    @tag("update", "JSONChange")
    @task(1)
    def numbIncryBy(self) -> None:
        """Adds to a number in a document."""
        self.increase("updateField_json", "stats.power", COMPLEX)

    @tag("update", "JSONChange")
    @task(1)
    def numMultiBy(self) -> None:
        """Doubles or halves a number in a document."""
        self.multiply("updateField_json", "stats.speed", COMPLEX)


class JSONDelete(ScenarioUser):
    """Writes documents of its own and deletes them."""

    @tag("delete", "JSONDelete")
    @task(1)
    def delete_json(self) -> None:
        """Writes a document and deletes it."""
        self.delete_own("add_json", "delete_json")


class MoreJSON(ScenarioUser):
    """Reads parts of what JSONSet has written."""

    @tag("read", "MoreJSON")
    @task(1)
    def get_json_by_key_and_field(self) -> None:
        """Reads a member of a document."""
        self.get_part("get_json_by_key_and_field", "subdoc/", WHOLE_FIELDS, COMPLEX)

    @tag("read", "MoreJSON")
    @task(1)
    def get_string_by_key_and_field(self) -> None:
        """Reads a member of a document in a string, which the service reads as a whole."""
        self.get_part("get_string_by_key_and_field", "string/", WHOLE_FIELDS, TEXT)

    @tag("read", "MoreJSON")
    @task(1)
    def get_nested_json(self) -> None:
        """Reads what is deep in a document."""
        self.get_part("get_nested_json", "subdoc/", READ_FIELDS, COMPLEX)


class RandomGet(ScenarioUser):
    """Reads generated users."""

    @tag("read", "RandomGet")
    @task(1)
    def getJsonByKey(self) -> None:
        """Reads a user."""
        self.get("getJsonByKey", "doc/", has_document, FLAT, NESTED)

    @tag("read", "RandomGet")
    @task(1)
    def getValueByKeyAndFields(self) -> None:
        """Reads a field of a user."""
        self.get_part("getValueByKeyAndFields", "subdoc/", READ_FIELDS, FLAT, NESTED)

    @tag("read", "RandomGet")
    @task(1)
    def getListOfFieldsByKey(self) -> None:
        """Reads the names of a user's fields."""
        self.get("getListOfFieldsByKey", "fields/", has_list, FLAT, NESTED)


class RandomJSON(ScenarioUser):
    """Writes generated users without nesting, and the static document."""

    @tag("write", "RandomJSON")
    @task(1)
    def add_random_small_json(self) -> None:
        """Writes a user."""
        self.add_random("add_random_small_json", "redisjson", FLAT)

    @tag("write", "RandomJSON")
    @task(1)
    def add_static_big_json(self) -> None:
        """Writes the static document."""
        self.add_static("add_static_big_json", "redisjson", COMPLEX)


class RandomPut(ScenarioUser):
    """Changes generated users."""

    @tag("update", "RandomPut")
    @task(1)
    def updateField(self) -> None:
        """Sets a field of a user."""
        self.update("updateField", UPDATE_FIELDS, FLAT, NESTED)

    @tag("update", "RandomPut")
    @task(1)
    def update_field_nested(self) -> None:
        """Sets a field deep in a user."""
        self.update("update_field_nested", NESTED_FIELDS, NESTED)

    @tag("append", "RandomPut")
    @task(1)
    def appendString(self) -> None:
        """Appends a word to a string."""
        self.append_text("appendString", "updateField", FLAT, NESTED)

    @tag("update", "RandomPut")
    @task(1)
    def numbIncryBy(self) -> None:
        """Adds to a number."""
        self.increase("updateField", "age", FLAT, NESTED)

    @tag("update", "RandomPut")
    @task(1)
    def numMultiBy(self) -> None:
        """Doubles or halves a number."""
        self.multiply("updateField", "balance", FLAT, NESTED)


class HashVsJSONPost(ScenarioUser):
    """Writes the same users as hashes and as JSON."""

    @tag("write", "HashVsJSONPost")
    @task(1)
    def post_as_hash(self) -> None:
        """Writes a user as a hash."""
        self.add_random("post_as_hash", "hash", HASH)

    @tag("write", "HashVsJSONPost")
    @task(1)
    def post_as_json(self) -> None:
        """Writes a user as JSON."""
        self.add_random("post_as_json", "redisjson", FLAT)


class HashVsJSONGet(ScenarioUser):
    """Reads users that are hashes and users that are JSON."""

    @tag("read", "HashVsJSONGet")
    @task(1)
    def get_as_hash(self) -> None:
        """Reads a hash."""
        self.get("get_as_hash", "hash/", has_document, HASH)

    @tag("read", "HashVsJSONGet")
    @task(1)
    def get_as_json(self) -> None:
        """Reads JSON."""
        self.get("get_as_json", "doc/", has_document, FLAT)


class HashVsJSONUpdate(ScenarioUser):
    """Sets the same fields in hashes and in JSON."""

    @tag("update", "HashVsJSONUpdate")
    @task(1)
    def update_as_hash(self) -> None:
        """Sets a field of a hash."""
        self.update_at("update_as_hash", "hash/update", HASH)

    @tag("update", "HashVsJSONUpdate")
    @task(1)
    def update_as_json(self) -> None:
        """Sets a field of a JSON document."""
        self.update("update_as_json", {FLAT: UPDATE_FIELDS[HASH]}, FLAT)


class NestedJSON(ScenarioUser):
    """Writes generated users with objects and arrays, and reads them."""

    writes = True

    @tag("write", "NestedJSON")
    @task(1)
    def add_random_big_json(self) -> None:
        """Writes a user."""
        self.add_random("add_random_big_json", "redisjson", NESTED)

    @tag("read", "NestedJSON")
    @task(1)
    def get_json(self) -> None:
        """Reads a user."""
        self.get("get_json", "doc/", has_document, NESTED)


class DirectJSONSet(DirectUser):
    """Writes documents with Redis's own commands."""

    @tag("write", "DirectJSONSet")
    @task(1)
    def add_json(self) -> None:
        """Writes the static document."""
        self.add_static("JSON.SET complex:*", COMPLEX, "JSON.SET", "$")

    @tag("write", "DirectJSONSet")
    @task(1)
    def add_random_small_json(self) -> None:
        """Writes a random flat document."""
        self.add_flat("JSON.SET basicUser:*")


class DirectJSONGet(DirectUser):
    """Reads what JSONSet or DirectJSONSet has written."""

    @tag("read", "DirectJSONGet")
    @task(1)
    def get_json(self) -> None:
        """Reads a whole document."""
        self.on("JSON.GET complex:*", COMPLEX, lambda: ["JSON.GET"])

    @tag("read", "DirectJSONGet")
    @task(1)
    def get_json_by_key_and_field(self) -> None:
        """Reads one field or sub-document."""
        self.on("JSON.GET complex:* field", COMPLEX, lambda: ["JSON.GET", self.path(READ_FIELDS)])


class DirectJSONChange(DirectUser):
    """Changes what JSONSet or DirectJSONSet has written."""

    @tag("update", "DirectJSONChange")
    @task(1)
    def updateField_json(self) -> None:
        """Sets a field of a document."""
        self.set_field("JSON.SET complex:* field", STATIC_FIELDS)

    @tag("update", "DirectJSONChange")
    @task(1)
    def update_nested_Field_json(self) -> None:
        """Sets a field deep in a document."""
        self.set_field("JSON.SET complex:* nested field", NESTED_FIELDS)

    @tag("append", "DirectJSONChange")
    @task(1)
    def json_append_string(self) -> None:
        """Appends a word to a string."""
        self.append_text()

    @tag("append", "DirectJSONChange")
    @task(1)
    def json_append_array(self) -> None:
        """Appends words to an array."""
        self.append_list()

    @tag("update", "DirectJSONChange")
    @task(1)
    def numbIncryBy(self) -> None:
        """Adds to a number."""
        self.increase()

    @tag("update", "DirectJSONChange")
    @task(1)
    def numMultiBy(self) -> None:
        """Doubles or halves a number."""
        self.multiply()


class DirectHash(DirectUser):
    """Writes, reads and changes users that are hashes."""

    @tag("write", "DirectHash")
    @task(1)
    def post_as_hash(self) -> None:
        """Writes a user."""
        self.add_hash("HSET hashUser:*")

    @tag("read", "DirectHash")
    @task(1)
    def get_as_hash(self) -> None:
        """Reads a user."""
        self.get_hash("HGETALL hashUser:*")

    @tag("update", "DirectHash")
    @task(1)
    def update_as_hash(self) -> None:
        """Sets a field of a user."""
        self.update_hash("HSET hashUser:* field")


class DirectString(DirectUser):
    """Writes and reads the static document as a string."""

    @tag("write", "DirectString")
    @task(1)
    def add_string(self) -> None:
        """Writes the string."""
        self.add_static("SET complexString:*", TEXT, "SET")

    @tag("read", "DirectString")
    @task(1)
    def get_string(self) -> None:
        """Reads the string."""
        self.on("GET complexString:*", TEXT, lambda: ["GET"])


scenario.declare(
    c for c in list(globals().values()) if isinstance(c, type) and issubclass(c, DocumentUser) and not c.abstract
)
