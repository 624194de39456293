"""The Python side of the tests that hold locustfile.py and the Go classes together.

twin.py classes LOCUSTFILE          prints the classes that Locust finds in the file, as JSON
twin.py settings LOCUSTFILE        prints the constants that package redisjson has too, as JSON
twin.py run LOCUSTFILE TIMES HOST...
    runs each task of each class TIMES times as one user, at each host, and prints the rows and failures of each
"""

from __future__ import annotations

import locust.env  # first: gevent patches the standard library

import collections
import importlib.util
import json
import random
import sys
from unittest import mock

from locust.util.load_locustfile import load_locustfile


def describe(user_class):
    """A class as Go's locustworker.Describe has it."""
    tasks = collections.Counter(user_class.tasks)
    return {
        "Name": user_class.__name__,
        "Weight": user_class.weight,
        "FixedCount": user_class.fixed_count,
        "Host": user_class.host or "",
        "Wait": bounds(user_class),
        "Tasks": [
            {"Name": task.__name__, "Weight": weight, "Tags": sorted(getattr(task, "locust_tag_set", set()))}
            for task, weight in tasks.items()
        ],
    }


def bounds(user_class):
    """The shortest and the longest wait in seconds, found by making chance choose both."""
    found = []
    for extreme in (0.0, 1.0):
        with mock.patch.object(random, "random", lambda extreme=extreme: extreme):
            found.append(user_class.wait_time(None))
    return found


def settings(locustfile):
    """What the module's constants say, as the Go test names them."""
    spec = importlib.util.spec_from_file_location("locustfile", locustfile)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = "REQUEST_TIMEOUT SAMPLE_SIZE FLAT_DOCUMENTS COMPLEX_DOCUMENTS MAX_GROWN MAX_NUMBER MIN_NUMBER".split()
    return {name: getattr(module, name) for name in names} | {
        "READ_FIELDS": [module.READ_FIELDS[kind] for kind in module.KINDS],
        "UPDATE_FIELDS": [module.UPDATE_FIELDS[kind] for kind in module.KINDS],
        "KINDS": module.KINDS,
    }


def run(classes, host, times):
    """One test run at the host: every task of every class, in declaration order, by one user each."""
    random.seed(1)
    rows, failures = collections.Counter(), collections.Counter()

    def record(request_type, name, exception, **_):
        rows[request_type, name] += 1
        if exception is not None:
            failures[request_type, name, repr(exception)] += 1

    environment = locust.env.Environment(user_classes=classes, host=host, events=locust.events)
    environment.events.request.add_listener(record)
    environment.events.test_start.fire(environment=environment)
    for user_class in classes:
        user_class.host = host
        user = user_class(environment)
        user.on_start()
        for task in dict.fromkeys(user_class.tasks):
            for _ in range(times):
                task(user)
    environment.events.request.remove_listener(record)
    return {
        "Rows": sorted([*row, count] for row, count in rows.items()),
        "Failures": sorted([*row, count] for row, count in failures.items()),
    }


def main(command, locustfile, *args):
    """See the module's docstring."""
    classes = list(load_locustfile(locustfile)[0].values())
    match command, args:
        case "classes", []:
            result = [describe(c) for c in classes]
        case "settings", []:
            result = settings(locustfile)
        case "run", [times, *hosts]:
            result = [run(classes, host, int(times)) for host in hosts]
    print(json.dumps(result))


main(*sys.argv[1:])
