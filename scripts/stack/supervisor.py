"""Starts the parts in order, watches them, and stops them in reverse order: one thread, one loop, no shell."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from stack import parts, ports
from stack.config import ROOT, Config, own_ports
from stack.parts import Part, short
from stack.process import Process
from stack.resp import RespError

POLL = 0.03
WATCH_POLL = 0.2
SAME_SIGNAL = 1.0


class UpFailed(Exception):
    """The system could not be started; the text says why and what to do."""


class Stopped(Exception):
    """The user asked us to end while we were still starting."""


class Console:
    """Prints lines. Goes silent instead of failing once nobody reads any more (terminal closed, pipe broken)."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._broken = False

    def say(self, text: str) -> None:
        """Prints one step at once."""
        self._write(f"up: {text}\n")

    def _write(self, text: str) -> None:
        if self._broken:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:
            self._broken = True
            # Python flushes stdout once more at exit; that must not fail either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())

    def break_line(self) -> None:
        """Ends a line that somebody else began: the terminal shows a Ctrl-C as ^C."""
        if self.live:
            self._write("\n")

    @property
    def live(self) -> bool:
        """Whether a line may be overwritten (a terminal)."""
        return not self._broken and self._out.isatty()


class Supervisor:
    """One run of the whole system."""

    def __init__(self, config: Config, console: Console, test: Sequence[str] | None = None) -> None:
        self._config = config
        self._test = test  # options of a run without a master; None: a master and workers
        self._console = console
        self._running: list[Process] = []
        self._asked_at = 0.0
        self._hurried = False

    def install_signals(self) -> None:
        """Ctrl-C, SIGTERM and a closed terminal end the run; another Ctrl-C later ends it at once."""
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, self._on_signal)

    def run(self) -> int:
        """Runs until asked to end or until nothing is left; the exit code. Raises UpFailed when it cannot start."""
        with _locked(self._config):
            self._check()
            try:
                self._start_service()
                if self._test is not None:
                    return self._run_test(self._test)
                self._start_locust()
                self._print_urls()
                return self._watch()
            except Stopped:
                return 0
            finally:
                self._stop_all()

    # --- before ---

    def _check(self) -> None:
        """Finds every reason not to start, before anything is started."""
        wanted = own_ports(self._config)
        if self._test is not None:
            wanted = {name: port for name, port in wanted.items() if name in ("REDIS_PORT", "API_PORT")}
        faults = [self._port_fault(name, port) for name, port in wanted.items()]
        if not self._config.redis.start:
            faults.append(parts.fault_of_redis(self._config.redis))
        found = [fault for fault in faults if fault]
        if found:
            raise UpFailed("\n".join(found))

    def _port_fault(self, variable: str, port: int) -> str:
        variable = variable.partition("+")[0]
        user, host = _PORT_USERS[variable], ""
        if variable in _LOCAL:
            host = "127.0.0.1"
        if variable == "API_PORT":
            host = self._config.api_addr.rpartition(":")[0].strip("[]")
        try:
            if ports.is_free(host, port):
                return ""
        except OSError as err:
            return f"{user} cannot listen on {host}:{port}: {err}"
        lines = [f"port {port} is in use, and {user} needs it"]
        lines += [f"  held by {holder}" for holder in ports.holders(port)]
        lines.append(f"  free it, or choose another port: make up {variable}={ports.next_free(host, port)}")
        if variable == "REDIS_PORT":
            lines.append("  or use that Redis, when it has the JSON module: make up REDIS_HOST=127.0.0.1")
        return "\n".join(lines)

    # --- starting ---

    def _start_service(self) -> None:
        """Redis, the API and the sample documents."""
        config = self._config
        if config.redis.start:
            (config.state / "data").mkdir(parents=True, exist_ok=True)
            self._start([parts.redis_part(config)])
        else:
            self._console.say(f"using the Redis at {config.redis.host}:{config.redis.port} (REDIS_HOST); it has JSON")
        self._start([parts.api_part(config)])
        self._load_samples()

    def _start_locust(self) -> None:
        """The master and the workers, and what watches them."""
        config = self._config
        self._start([parts.master_part(config)])
        self._start(list(parts.worker_parts(config)))
        if config.monitoring.start:
            for part in parts.monitoring_parts(config):
                self._start([part])

    def _start(self, group: Sequence[Part]) -> None:
        """Starts the parts of a group together and waits until all of them answer."""
        began = time.monotonic()
        for part in group:
            self._pause(0)
            try:
                process = Process(part.spec)
            except OSError as err:
                raise UpFailed(f"{part.spec.name} cannot be started: {err}") from err
            self._running.append(process)
            self._console.say(f"starting {part.title}, pid {process.pid}, log {short(process.log)}")
        for part in group:
            self._wait_for(part, began)
        if group:
            names = group[0].spec.name if len(group) == 1 else f"{len(group)} workers"
            self._console.say(f"{names}: ready after {time.monotonic() - began:.1f} s")

    def _wait_for(self, part: Part, began: float) -> None:
        while not part.answers():
            for process in self._running:
                if not process.alive():
                    raise UpFailed(_obituary(process))
            if time.monotonic() - began > self._config.start_timeout:
                process = next(p for p in self._running if p.name == part.spec.name)
                limit = f"{self._config.start_timeout:g} s (START_TIMEOUT)"
                raise UpFailed(f"{part.title}: does not answer within {limit}\n{_log_tail(process)}")
            self._pause(POLL)

    def _load_samples(self) -> None:
        count = self._config.samples
        try:
            present = parts.database_size(self._config.redis)
        except (OSError, RespError) as err:
            raise UpFailed(f"Redis was lost while its keys were counted: {err}") from err
        if present or not count:
            self._console.say(f"the database has {present} keys: no sample documents loaded")
            return
        began = time.monotonic()
        self._console.say(f"the database is empty: loading {count} sample documents of each kind through the API")
        try:
            loading = Process(parts.samples_spec(self._config))
        except OSError as err:
            raise UpFailed(f"samples cannot be loaded: {err}") from err
        self._running.append(loading)
        while loading.alive():
            self._pause(POLL)
        self._running.remove(loading)
        if loading.code:
            dead = [process for process in (loading, *self._running) if not process.alive()]
            raise UpFailed("\n".join(map(_obituary, dead)))
        self._console.say(f"samples: {count} of each kind loaded in {time.monotonic() - began:.1f} s")

    def _print_urls(self) -> None:
        config = self._config
        self._console.say("everything runs:")
        self._console.say(f"  Locust UI  {config.web_url}")
        self._console.say(f"  API        {config.api_url}")
        exporters = [config.api_url]
        if ROOT / "locustfile.py" in config.locustfiles:
            exporters.insert(0, config.web_url)
        self._console.say("  metrics    " + " ".join(f"{url}/metrics" for url in exporters))
        if config.monitoring.start:
            self._console.say(f"  Prometheus http://127.0.0.1:{config.monitoring.prometheus_port}")
        self._console.say(f"  logs       {short(config.state / 'log')}")
        self._console.say("Ctrl-C stops it.")

    def _run_test(self, options: Sequence[str]) -> int:
        """Runs the load test in the foreground; its exit code. A Ctrl-C ends it as it ends a run in a terminal."""
        spec = parts.test_spec(self._config, options)
        self._console.say("running " + " ".join(map(short_word, spec.command)))
        try:
            test = Process(spec)
        except OSError as err:
            raise UpFailed(f"the load test cannot be started: {err}") from err
        asked = False
        while test.alive():
            if self._hurried:
                test.kill()
            elif self._asked_at and not asked:
                asked = True
                test.terminate()
            time.sleep(POLL)
        report = self._config.state / "report.html"
        if report.exists() and str(report) in spec.command and "--html" not in options:
            self._console.say(f"report {short(report)}")
        self._console.say(f"the load test {test.how_it_ended()}")
        return test.code if test.code and test.code > 0 else int(test.code != 0)

    # --- watching ---

    def _watch(self) -> int:
        while self._running:
            for process in list(self._running):
                if not process.alive():
                    self._running.remove(process)
                    self._console.say(_obituary(process))
            try:
                self._pause(WATCH_POLL)
            except Stopped:
                return 0
        self._console.say("no part is left running")
        return 1

    # --- stopping ---

    def _stop_all(self) -> None:
        """Workers first, they have samples to deliver; Redis last. What does not end in time is killed."""
        if self._asked_at:
            self._console.break_line()
        workers = [p for p in self._running if p.name.startswith("worker-")]
        rest = [[p] for p in reversed(self._running) if p not in workers]
        for group in [workers, *rest]:
            if group:
                self._stop(group)
        self._running.clear()
        if self._asked_at:
            self._console.say("all stopped")

    def _stop(self, group: Sequence[Process]) -> None:
        names = group[0].name if len(group) == 1 else f"{len(group)} workers"
        began = time.monotonic()
        for process in group:
            process.terminate()
        while any(p.alive() for p in group):
            if self._hurried or time.monotonic() - began > self._config.stop_timeout:
                break
            time.sleep(POLL)
        killed = [p.name for p in group if p.alive()]
        for process in group:
            process.kill()
        note = f", killed: {' '.join(killed)}" if killed else ""
        self._console.say(f"stopped {names} in {time.monotonic() - began:.1f} s{note}")

    # --- signals ---

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        """The first signal asks for the end. One more Ctrl-C kills, but not at once: make, timeout and terminals
        pass one and the same signal on to us, so that it comes twice."""
        now = time.monotonic()
        if not self._asked_at:
            self._asked_at = now
        elif number == signal.SIGINT and now - self._asked_at > SAME_SIGNAL:
            self._hurried = True

    def _pause(self, seconds: float) -> None:
        if self._asked_at:
            raise Stopped
        time.sleep(seconds)
        if self._asked_at:
            raise Stopped


_PORT_USERS = {
    "REDIS_PORT": "Redis",
    "API_PORT": "the API",
    "LOCUST_WEB_PORT": "the Locust web UI",
    "LOCUST_MASTER_PORT": "the Locust master (for its workers)",
    "PROMETHEUS_PORT": "Prometheus",
    "REDIS_METRICS_PORT": "the exporter for Redis",
    "WORKER_METRICS_PORT": "a worker's metrics",
}
_LOCAL = ("REDIS_PORT", "PROMETHEUS_PORT", "REDIS_METRICS_PORT", "WORKER_METRICS_PORT")  # on 127.0.0.1 only


def short_word(text: str) -> str:
    """An argument as one types it, with a path as seen from the project's root."""
    return shlex.quote(short(Path(text)) if text.startswith("/") else text)


def _obituary(process: Process) -> str:
    return f"DIED: {process.name} (pid {process.pid}) {process.how_it_ended()}\n{_log_tail(process)}"


def _log_tail(process: Process) -> str:
    lines = [f"  its log is {short(process.log)}, the last lines of it:"]
    lines += [f"  | {line}" for line in process.last_lines() or ["(empty)"]]
    return "\n".join(lines)


@contextmanager
def _locked(config: Config) -> Iterator[None]:
    """Keeps a second run on the same data and logs away."""
    config.state.mkdir(parents=True, exist_ok=True)
    with (config.state / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UpFailed(
                f"another make up (pid {lock.read().strip()}) runs on {short(config.state)}: stop it, "
                "or give this one a folder and ports of its own (STATE_DIR, `scripts/up.py --help`)"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def serve(config: Config, test: Sequence[str] | None = None) -> int:
    """Runs the system in the foreground; with options of a load test only the service and that test, until it ends.

    Returns the exit code of the program.
    """
    console = Console(sys.stdout)
    supervisor = Supervisor(config, console, test)
    supervisor.install_signals()
    try:
        return supervisor.run()
    except UpFailed as err:
        console.say(f"error: {err}")
        return 1
