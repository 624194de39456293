"""The Python side of the tests that hold locustfile.py and the Go classes together.

twin.py classes LOCUSTFILE             prints the classes that Locust finds in the file, as JSON
twin.py settings LOCUSTFILE           prints the constants that package loadtest has too
twin.py parse LOCUSTFILE ENVIRONMENTS prints what configurations come of environments (a JSON array of objects)
twin.py files LOCUSTFILE TEXTS        prints what files of settings hold (a JSON array of texts)
twin.py run LOCUSTFILE TIMES RUNS
    runs each task of a class, of all if it is empty, TIMES times as one user of each, at the host and with the
    documents of each of RUNS, a JSON array of {"Host", "Keys", "Class", "Config"}, and prints its rows, failures and exceptions
"""

from __future__ import annotations

import locust.env  # first: gevent patches the standard library

import collections
import json
import pathlib
import random
import sys
import types

from locust.exception import RescheduleTask
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
    from loadtest.twin.exchange import scenario

    found = []
    for extreme in (0.0, 1.0):
        choices = types.SimpleNamespace(uniform=lambda low, high, extreme=extreme: low + extreme * (high - low))
        found.append(user_class.wait_time(types.SimpleNamespace(_choices=choices, config=scenario.config)))
    return found


def settings():
    """What the modules' constants say, as the Go test names them."""
    from loadtest.twin import documents, settings
    from loadtest.twin.exchange import ACK_MESSAGE, KEYS_MESSAGE, scenario

    fields = "READ_FIELDS WHOLE_FIELDS UPDATE_FIELDS STATIC_FIELDS NESTED_FIELDS".split()
    config = settings.Config()
    return {name: getattr(documents, name) for name in "MAX_GROWN MAX_NUMBER MIN_NUMBER VERSIONS KINDS".split()} | {
        name: [list(getattr(documents, name).get(kind, ())) for kind in documents.KINDS] for name in fields
    } | {
        "LOADERS": [documents.LOADERS[kind] for kind in documents.KINDS],
        "MESSAGES": [KEYS_MESSAGE, ACK_MESSAGE],
        "SETTINGS": [[s.name, s.default, s.text] for s in settings.SETTINGS],
        "WEIGHTS": {name: settings.weight_variable(name) for name in scenario.settings.names},
        "DEFAULTS": [config.sample_size, config.request_timeout, config.wait_min, config.wait_max,
                     config.document_size, config.random_documents, config.static_documents],
        "HUGE": settings.Config(document_size="2MB").static_documents,
        "WRITES": [c.__name__ for c in scenario.classes if c.writes],
    }


def parse(environments):
    """What configurations come of environments: [values, number of faults]."""
    from loadtest.twin.exchange import scenario
    from loadtest.twin.settings import Config

    parsed = []
    for environment in environments:
        config, faults = scenario.settings.apply(Config(), environment.get)
        faults += config.faults()
        parsed.append({
            "Faults": bool(faults), "APIEndpoint": config.api_endpoint, "AppEndpoint": config.app_endpoint,
            "SampleSize": config.sample_size, "RequestTimeout": config.request_timeout,
            "WaitMin": config.wait_min, "WaitMax": config.wait_max, "DocumentSize": config.document_size,
            "RandomDocuments": config.random_documents, "StaticDocuments": config.static_documents,
            "Seed": config.seed, "Weights": config.weights,
        })
    return parsed


def files(texts):
    """What files of settings hold; null for those with a fault."""
    from loadtest.twin.settings import SettingsError, parse_file

    def values(text):
        try:
            return parse_file(text)
        except SettingsError:
            return None

    return [values(text) for text in texts]


def run(classes, place, times):
    """One test run at a place: every task of every class, in declaration order, by one user each."""
    from loadtest.twin.exchange import scenario

    host, keys = place["Host"], place["Keys"] or []
    random.seed(1)
    rows, failures, exceptions = collections.Counter(), collections.Counter(), collections.Counter()

    def record(request_type, name, exception, **_):
        rows[request_type, name] += 1
        if exception is not None:
            failures[request_type, name, repr(exception)] += 1

    environment = locust.env.Environment(user_classes=classes, host=host, events=locust.events)
    environment.events.request.add_listener(record)
    options = types.SimpleNamespace(
        load_gen_redis_url=place["Config"]["RedisURL"],
        load_gen_redis_pipeline=str(place["Config"]["PipelineDepth"] or ""),
    )
    scenario.begin(host, options)
    for user_class in classes:
        user_class.host = host
        scenario.documents.begin("")
        scenario.documents.take(host, keys)
        user = user_class(environment)
        user.on_start()
        for task in dict.fromkeys(user_class.tasks):
            for _ in range(times):
                try:
                    task(user)
                except RescheduleTask:
                    pass
                except Exception as err:
                    exceptions[str(err)] += 1
    environment.events.request.remove_listener(record)
    return {
        "Rows": sorted([*row, count] for row, count in rows.items()),
        "Failures": sorted([*row, count] for row, count in failures.items()),
        "Exceptions": exceptions,
    }


def main(command, locustfile, *args):
    """See the module's docstring."""
    sys.path.insert(0, str(pathlib.Path(locustfile).resolve().parent))
    classes = list(load_locustfile(locustfile)[0].values())
    match command, args:
        case "classes", []:
            result = [describe(c) for c in classes]
        case "settings", []:
            result = settings()
        case "parse", [environments]:
            result = parse(json.loads(environments))
        case "files", [texts]:
            result = files(json.loads(texts))
        case "run", [times, runs]:
            result = []
            for place in json.loads(runs):
                chosen = [c for c in classes if place["Class"] == c.__name__ or (not place["Class"] and not c.direct)]
                result.append(run(chosen, place, int(times)))
    print(json.dumps(result))


main(*sys.argv[1:])
