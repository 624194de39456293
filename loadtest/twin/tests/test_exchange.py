"""How the master deals documents out, and which classes run where nobody chose."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from locust.env import Environment
from locust.event import Events
from locust.user.task import DefaultTaskSet

import locustfile  # noqa: F401  # declares the classes
from loadtest.twin.documents import FLAT, KINDS, NESTED, Documents, outgrown
from loadtest.twin.exchange import Dealer, collect, default_classes, scenario, share, start_run
from loadtest.twin.settings import Config


def keys_of(counts):
    return [f"{kind}{n}" for kind, count in zip(KINDS, counts, strict=True) for n in range(count)]


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_shares_are_disjoint_complete_and_even(workers):
    keys = keys_of((10, 21, 7, 50, 11))
    shares = [share(keys, index, workers) for index in range(workers)]
    assert sorted(key for part in shares for key in part) == sorted(keys)
    for kind in KINDS:
        sizes = [sum(key.startswith(kind) for key in part) for part in shares]
        assert max(sizes) - min(sizes) <= 1


def test_a_kind_with_fewer_documents_than_workers_goes_to_all():
    keys = keys_of((2, 0, 3, 0, 0))
    for index in range(3):
        part = share(keys, index, 3)
        assert [k for k in part if k.startswith(FLAT)] == [f"{FLAT}0", f"{FLAT}1"]
        assert len(part) == 3


class FakeRunner:
    """A master's runner with workers that acknowledge, or do not."""

    state = "ready"

    def __init__(self, *indexes, silent=()):
        self.sent = []
        self.silent = silent
        clients = [SimpleNamespace(id=f"w{index}") for index in indexes]
        self.clients = SimpleNamespace(ready=clients[:1], running=clients[1:], spawning=[])

    def register_message(self, kind, handler):
        self.handler = handler

    def get_worker_index(self, client_id):
        return int(client_id[1:])

    def send_message(self, kind, data, client_id):
        self.sent.append((client_id, data))
        if client_id not in self.silent:
            self.handler(msg=SimpleNamespace(node_id=client_id, data={"run": data["run"], "keys": len(data["keys"])}))


def test_dealer_sends_shares_by_index_and_to_whom_joins():
    runner = FakeRunner(5, 2)
    dealer = Dealer(runner)
    dealer.joined("w9")  # before any run
    dealer.deal("run", keys_of((4, 0, 0, 0, 0)))
    assert [(worker, data["keys"]) for worker, data in runner.sent] == [
        ("w2", [f"{FLAT}0", f"{FLAT}2"]),
        ("w5", [f"{FLAT}1", f"{FLAT}3"]),
    ]
    runner.state = "running"
    dealer.joined("w9")
    assert runner.sent[2] == ("w9", {"run": "run", "keys": [f"{FLAT}2"]})


def test_dealer_waits_for_a_silent_worker_and_goes_on(monkeypatch, caplog):
    monkeypatch.setattr("loadtest.twin.exchange.ACK_TIMEOUT", 0.05)
    Dealer(FakeRunner(0, 1, silent=("w1",))).deal("run", [])
    assert "no word that these workers have their documents: w1" in caplog.text


def test_collect_without_an_api_records_its_failure_and_ends():
    rows = []
    env = Environment(events=Events(), host="http://127.0.0.1:1")
    env.events.request.add_listener(lambda request_type, name, exception, **_: rows.append((name, exception is None)))
    assert collect(env, Config()) == []
    assert rows == [("/api/v1/keys", False)]


def names(classes):
    return [c.__name__ for c in classes]


@pytest.mark.parametrize(
    ("tags", "want"),
    [
        (None, ["RedisJSONUser"]),
        (["read"], ["RedisJSONUser"]),
        (["JSONGet"], ["JSONGet"]),
        (["JSONGet", "write"], ["RedisJSONUser", "JSONGet"]),
    ],
)
def test_default_classes(tags, want):
    assert names(default_classes(tags)) == want


def test_a_class_with_a_weight_runs_beside_the_mixed_one():
    base = scenario.base
    try:
        scenario.base = Config(weights={"MoreJSON": 2, "JSONSet": 0})
        scenario.use(scenario.base)
        assert names(default_classes(None)) == ["RedisJSONUser", "MoreJSON"]
        assert scenario.classes[names(scenario.classes).index("MoreJSON")].weight == 2
    finally:
        scenario.base = base
        scenario.use(base)


def test_weights_of_tasks_come_and_go():
    user_class = scenario.classes[names(scenario.classes).index("JSONGet")]
    counts = lambda: {task.__name__: user_class.tasks.count(task) for task in user_class.tasks}  # noqa: E731
    try:
        scenario.use(Config(weights={"JSONGet.get_json": 0, "JSONGet.get_string": 3}))
        assert counts() == {"get_string": 3}
        scenario.use(Config())
        assert counts() == {"get_json": 1, "get_string": 1}
        user_class.tasks = user_class.tasks[:1]  # as tags leave it
        scenario.use(Config(weights={"JSONGet.get_json": 2}))
        assert counts() == {"get_json": 2}
    finally:
        user_class.tasks = list(scenario._declared[user_class])
        scenario.use(scenario.base)


def test_a_seed_repeats_what_users_draw():
    def draws(seed, index):
        scenario.index = index
        scenario.begin("run", SimpleNamespace(load_gen_seed=seed))
        users = ["JSONSet", "JSONSet", "JSONGet"]
        return [numbers.random() for user_class in users for numbers in scenario.seeded(user_class)]

    try:
        first = draws("5", 0)
        assert draws("5", 0) == first
        assert len({*first, *draws("5", 1), *draws("6", 0)}) == 18
        scenario.begin("run", None)
        assert scenario.seeded("JSONSet") == (random._inst, random._inst)
    finally:
        scenario.index = -1
        scenario.begin("", None)


def test_a_seed_repeats_the_order_of_tasks(monkeypatch):
    user_class = scenario.classes[names(scenario.classes).index("JSONChange")]
    monkeypatch.setattr(user_class, "host", "http://127.0.0.1:1")

    def order():
        scenario.begin("run", SimpleNamespace(load_gen_seed="5"))
        user = user_class(Environment(events=Events()))
        user._taskset_instance = DefaultTaskSet(user)
        user.on_start()
        return [(user._taskset_instance.get_next_task().__name__, user.wait_time()) for _ in range(20)]

    try:
        assert order() == order()
        assert len(set(order())) > 10
    finally:
        scenario.begin("", None)


@pytest.mark.parametrize(("given", "host"), [("", "http://a"), ("http://b", "http://b"), ("b", "http://a")])
def test_an_endpoint_from_the_web_ui_is_the_host_of_the_run(given, host):
    options = SimpleNamespace(api_endpoint=given, app_endpoint="http://127.0.0.1:1")
    env = Environment(events=Events(), host="http://a", parsed_options=options)
    try:
        start_run(env)
        assert env.host == host
    finally:
        scenario.begin("", None)


def test_arguments_with_a_fault_change_nothing(caplog):
    scenario.begin("run", SimpleNamespace(load_gen_data_sample_size="many", load_gen_random_documents="7"))
    assert (scenario.config.sample_size, scenario.config.random_documents) == (150, 7)
    scenario.begin("run", SimpleNamespace(load_gen_wait_min="9", load_gen_random_documents="7"))
    assert scenario.config == scenario.base
    assert "LOAD_GEN_DATA_SAMPLE_SIZE=many" in caplog.text
    assert "must not be below" in caplog.text
    scenario.begin("", None)


def test_documents_of_one_run():
    docs = Documents()
    docs.take("a", [f"{FLAT}1", f"{NESTED}1", "other:1", f"{FLAT}1"])
    docs.begin("a")
    assert len(docs) == 2
    docs.drop(f"{FLAT}1")
    docs.drop(f"{FLAT}1")
    assert docs.pick(random.Random(1), FLAT) is None
    assert docs.pick(random.Random(1), FLAT, NESTED) == (f"{NESTED}1", NESTED)
    docs.begin("b")
    assert len(docs) == 0


def test_outgrown_looks_where_the_field_is():
    assert outgrown({"stats": {"speed": 2e12}}, "stats.speed")
    assert not outgrown({"speed": 2e12}, "stats.speed")
    assert outgrown({"about": "x" * 5000}, "about")
    assert not outgrown({"age": 10**20}, "age")
