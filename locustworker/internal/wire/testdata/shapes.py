"""Describe frames as Python's msgpack sees them: types, values, order of keys.

Reads a frame in hex per line of stdin, prints one line for each. Maps whose
keys are data, not fields, are sorted: their order means nothing.
"""

import sys

import msgpack

DATA = {"response_times", "num_reqs_per_sec", "num_fail_per_sec", "user_classes_count", "errors"}


def shape(value, sort=False):
    if isinstance(value, dict):
        pairs = [f"{shape(k)}: {shape(v, sort=k in DATA)}" for k, v in value.items()]
        return "{" + ", ".join(sorted(pairs) if sort else pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(shape(v) for v in value) + "]"
    return f"{type(value).__name__} {value!a}"


for line in sys.stdin:
    print(shape(msgpack.unpackb(bytes.fromhex(line.strip()), raw=False, strict_map_key=False)))
