"""What a run shares: its settings, its documents, and how master and workers exchange them.

At the start of a run the master collects keys of every kind from the API, deals them out among the workers by their
index, and waits until each has acknowledged its share. The requests are rows of the table, as all requests are.
The twin of exchange.go and run.go.
"""

from __future__ import annotations

import logging
import os
import random
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import gevent
import gevent.event
from flask import request
from locust import events
from locust.clients import HttpSession
from locust.runners import MasterRunner, WorkerRunner
from werkzeug.datastructures import MultiDict

from .documents import KINDS, Documents
from .settings import SETTINGS, Config, Settings, environment

KEYS_MESSAGE, ACK_MESSAGE = "redisjson_keys", "redisjson_keys_ack"
ACK_TIMEOUT = 5.0  # seconds
DEFAULT_CLASS = "RedisJSONUser"

log = logging.getLogger("loadtest")


class Scenario:
    """The state of this process."""

    def __init__(self) -> None:
        self.documents = Documents()
        self.classes: list[Any] = []
        self.settings = Settings()
        self.base = self.config = Config()
        self.index = -1
        self._declared: dict[Any, dict[Any, int]] = {}
        self._unweighed: dict[Any, set[Any]] = {}
        self._users = 0
        self._streams: dict[str, int] = {}
        self._said: set[str] = set()

    # --- classes and settings -----------------------------------------------------------------------------------

    def declare(self, classes: Iterable[Any]) -> None:
        """Takes the classes, and the settings for them from the environment. Raises SystemExit for faulty ones."""
        self.classes = list(classes)
        for user_class in self.classes:
            self._declared[user_class] = {task: user_class.tasks.count(task) for task in user_class.tasks}
            self._unweighed[user_class] = set()
        names = [name for user_class in self.classes for name in self._names(user_class)]
        self.settings = Settings(names)
        self.base, faults = self.settings.apply(Config(), environment(os.environ))
        faults += self.base.faults()
        if faults:
            raise SystemExit("loadtest: invalid configuration: " + "\n".join(faults))
        self.use(self.base)
        for user_class in self.classes:
            user_class.host = None if user_class.direct else self.base.api_endpoint or None

    def _names(self, user_class: Any) -> list[str]:
        return [user_class.__name__, *(f"{user_class.__name__}.{t.__name__}" for t in self._declared[user_class])]

    def use(self, config: Config) -> None:
        """Makes a configuration count for the users that start from now on."""
        self.config = config
        for user_class in self.classes:
            name = user_class.__name__
            user_class.weight = config.weights.get(name, 1)
            present = self._unweighed[user_class].union(user_class.tasks)  # tags may have taken others away
            tasks: list[Any] = []
            self._unweighed[user_class] = set()
            for task, declared in self._declared[user_class].items():
                weight = config.weights.get(f"{name}.{task.__name__}", declared)
                if task in present and not weight:
                    self._unweighed[user_class].add(task)
                if task in present:
                    tasks += [task] * weight
            user_class.tasks = tasks

    def begin(self, run: str, options: Any) -> None:
        """Begins a run with its custom arguments."""
        self.documents.begin(run)
        self._streams.clear()
        self._said.clear()
        config, faults = self.settings.apply(self.base, lambda name: _text(getattr(options, name.lower(), None)))
        if faults:
            log.error("custom arguments with a fault change nothing: %s", "; ".join(faults))
        if misfits := list(config.faults()):
            log.error("the custom arguments do not fit together: the run goes on without them: %s", "; ".join(misfits))
            config = self.base
        self.use(config)

    # --- users --------------------------------------------------------------------------------------------------

    def seeded(self, class_name: str) -> tuple[random.Random, random.Random]:
        """The random numbers of the next user of a class: for its tasks and pauses, and for its documents."""
        number = self._streams[class_name] = self._streams.get(class_name, 0) + 1
        if not self.config.seed:
            own: random.Random = random._inst  # type: ignore[attr-defined]  # the module's
            return own, own
        name = f"{self.config.seed} {self.index} {class_name} {number}"
        return random.Random(f"{name} tasks"), random.Random(f"{name} documents")

    def count_user(self) -> int:
        """The number of a user in this process."""
        self._users += 1
        return self._users

    def first(self, text: str) -> bool:
        """Whether this is said for the first time in the run."""
        known = text in self._said
        self._said.add(text)
        return not known


scenario = Scenario()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def collect(env: Any, config: Config) -> list[str]:
    """Asks the API for keys of every kind. Each request is a row; the first that fails ends it."""
    host = config.app_endpoint or env.host or config.api_endpoint
    if not host:
        return []
    keys: list[str] = []
    with HttpSession(base_url=host, request_event=env.events.request, user=None) as session:
        for kind in KINDS:
            query: dict[str, str | int] = {"pattern": kind, "limit": config.sample_size}
            timeout = config.request_timeout
            path = "/api/v1/keys"
            with session.get(path, name=path, params=query, timeout=timeout, catch_response=True) as response:
                try:
                    found = response.json()["json"]
                    keys += [key for key in found if key.startswith(kind)]
                except (ValueError, KeyError, TypeError, AttributeError):
                    response.failure(response.error or "the reply holds no list")
                    log.error("%s lists no keys, so the test sets have no data: is it the API, and does it run?", host)
                    return keys
    return keys


def share(keys: Sequence[str], index: int, workers: int) -> list[str]:
    """What one of so many workers gets: a part of each kind, or all of a kind with fewer documents than workers."""
    part: list[str] = []
    for kind in KINDS:
        ours = [key for key in keys if key.startswith(kind)]
        part += ours[index::workers] if len(ours) >= workers else ours
    return part


class Dealer:
    """Deals the keys of a run out among the workers of a master."""

    def __init__(self, runner: Any) -> None:
        self.runner = runner
        self._run = ""
        self._keys: list[str] = []
        self._waiting: set[str] = set()
        self._all_have = gevent.event.Event()
        runner.register_message(ACK_MESSAGE, self._acknowledged)

    def deal(self, run: str, keys: list[str]) -> None:
        """Sends each worker its share and waits until all have it, or for ACK_TIMEOUT."""
        self._run, self._keys = run, keys
        workers = self._workers()
        self._waiting = set(workers)
        self._all_have.clear()
        for position, worker in enumerate(workers):
            self._send(worker, position, len(workers))
        if workers and not self._all_have.wait(ACK_TIMEOUT):
            log.warning("no word that these workers have their documents: %s", ", ".join(sorted(self._waiting)))
        log.info("dealt %d keys out among %d workers", len(keys), len(workers))

    def joined(self, client_id: str) -> None:
        """Sends a worker that joins a run its share; that others have it too does no harm."""
        if self._run and self.runner.state in ("spawning", "running"):
            workers = self._workers(client_id)
            self._send(client_id, workers.index(client_id), len(workers))

    def _workers(self, *joining: str) -> list[str]:
        clients = self.runner.clients
        known = {client.id for client in clients.ready + clients.running + clients.spawning}
        return sorted(known.union(joining), key=self.runner.get_worker_index)

    def _send(self, worker: str, position: int, workers: int) -> None:
        part = share(self._keys, position, workers)
        self.runner.send_message(KEYS_MESSAGE, {"run": self._run, "keys": part}, client_id=worker)

    def _acknowledged(self, msg: Any, **_: object) -> None:
        if isinstance(msg.data, dict) and msg.data.get("run") == self._run:
            self._waiting.discard(msg.node_id)
            log.info("%s has %s documents", msg.node_id, msg.data.get("keys"))
        if not self._waiting:
            self._all_have.set()


_dealers: dict[int, Dealer] = {}


def add_arguments(parser: Any) -> None:
    """Offers the settings as custom arguments: on the command line and in the web UI's advanced options."""
    lookup = environment(os.environ)
    for setting in SETTINGS:
        default = lookup(setting.name) or ""
        if setting.attribute == "weights":
            default = scenario.settings.weights_text(scenario.base)
        elif setting.attribute == "api_endpoint":
            default = ""  # as an argument it wins over the host, as a variable it does not
        usual = f" (default {setting.default})" if setting.default else ""
        parser.add_argument("--" + setting.name.lower().replace("_", "-"), default=default, help=setting.text + usual)


def init(environment: Any, **_: object) -> None:
    """Sets a master, a worker or a local runner up."""
    runner, options = environment.runner, environment.parsed_options
    if isinstance(runner, WorkerRunner):
        runner.register_message(KEYS_MESSAGE, _take_share)
        return
    if isinstance(runner, MasterRunner):
        _dealers[id(runner)] = dealer = Dealer(runner)
        environment.events.worker_connect.add_listener(lambda client_id, **_: dealer.joined(client_id))
    if options and not options.user_classes:
        environment.user_classes[:] = default_classes(options.tags)
    if options and options.class_picker and environment.web_ui:
        _run_default_where_none_is_picked(environment)


def _run_default_where_none_is_picked(environment: Any) -> None:
    """Has a start that picks no class run what runs without the class picker; Locust would run all classes."""
    usual = [user_class.__name__ for user_class in environment.user_classes]

    def fill_in() -> None:
        if request.path.rstrip("/").endswith("/swarm") and not request.form.getlist("user_classes"):
            running = environment.runner.state in ("spawning", "running")
            names = [c.__name__ for c in environment.user_classes] if running else usual
            form = MultiDict(request.form)
            form.setlist("user_classes", names)
            request.form = form

    environment.web_ui.app.before_request(fill_in)


def default_classes(tags: Sequence[str] | None) -> list[Any]:
    """What runs where nobody has chosen: the mixed class, those that tags name, those given a weight."""
    chosen = []
    for user_class in scenario.classes:
        name = user_class.__name__
        of_tags = not tags or any(getattr(task, "locust_tag_set", set()) & set(tags) for task in user_class.tasks)
        if (name == DEFAULT_CLASS and of_tags) or name in (tags or ()) or name in scenario.base.weights:
            chosen.append(user_class)
    return [c for c in chosen if c.weight or c.fixed_count] or [c for c in scenario.classes if c.weight]


def _take_share(environment: Any, msg: Any, **_: object) -> None:
    scenario.documents.take(msg.data["run"], msg.data["keys"])
    environment.runner.send_message(ACK_MESSAGE, {"run": msg.data["run"], "keys": len(scenario.documents)})


def start_run(environment: Any, **_: object) -> None:
    """Begins a run: on the master before the workers hear of it, on a worker before its users start."""
    runner, options = environment.runner, environment.parsed_options
    if isinstance(runner, WorkerRunner):
        scenario.index = runner.worker_index
        scenario.begin(getattr(options, "load_gen_run", ""), options)
        return
    run = str(uuid.uuid4())
    if options is not None:
        options.load_gen_run = run
    scenario.begin(run, options)
    endpoint = (_text(getattr(options, "api_endpoint", None)) or "").strip()
    if endpoint and endpoint == scenario.config.api_endpoint:  # otherwise it has a fault
        environment.host = endpoint  # the workers get it with the spawn message
    keys = collect(environment, scenario.config)
    if dealer := _dealers.get(id(runner)):
        dealer.deal(run, keys)
    else:
        scenario.documents.take(run, keys)


events.init_command_line_parser.add_listener(add_arguments)
events.init.add_listener(init)
events.test_start.add_listener(start_run)
