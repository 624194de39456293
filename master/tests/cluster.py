"""A real Locust master and real Python workers for the tests of the exporter, on free ports."""

from __future__ import annotations

import json
import os
import random
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parent.parent.parent
LOCUSTFILE = Path(__file__).resolve().parent / "testdata" / "metered.py"
TIMEOUT = 60.0
OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port():
    """A port that nobody listens on, and none of those that Linux gives to outgoing connections."""
    while True:
        port = random.randrange(10_240, 32_768)
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)):
                return port


def until(condition, what):
    """Waits for a condition and returns what it gave; fails the test when it does not come."""
    deadline = time.monotonic() + TIMEOUT
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {TIMEOUT:g} s in vain for {what}"
        time.sleep(0.05)
    return found


def get(url, data=None, **headers):
    """Status, content type and body; status 0 while nobody answers."""
    form = urllib.parse.urlencode(data, doseq=True).encode() if data is not None else None
    try:
        with OPEN.open(urllib.request.Request(url, form, headers), timeout=10) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read().decode()
    except urllib.error.HTTPError as err:
        return err.code, err.headers["Content-Type"], err.read().decode()
    except OSError as err:
        return 0, "", str(err)


def samples(text):
    """{(name, label values in the order of their names): value}. Fails when a series is there twice."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, *(value for _, value in sorted(sample.labels.items())))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


class Cluster:
    """A master, its workers, and what they print."""

    def __init__(self, folder, series=""):
        self.folder = folder
        self.series = series
        local = Path(os.environ.get("LOCAL", ROOT / ".local"))
        python = local / f"venv-{series}" / "bin" / "python" if series else sys.executable
        self._command = [str(python), "-m", "locust", "-f", str(LOCUSTFILE)]
        self._port, self.web = free_port(), free_port()
        self.processes = []

    def start(self, name, *arguments, **environment):
        env = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")}
        env |= {"PYTHONPATH": str(ROOT), "HOME": str(self.folder), **environment}
        log = (self.folder / f"{name}.log").open("w")
        process = subprocess.Popen([*self._command, *arguments], stdout=log, stderr=log, env=env, cwd=self.folder)
        log.close()
        self.processes.append(process)
        return process

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def master(self, *arguments, headless=False, **environment):
        web = ["--headless"] if headless else ["--web-host", "127.0.0.1", "--web-port", str(self.web)]
        bind = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(self._port)]
        return self.start("master", *bind, *web, *arguments, **environment)

    def workers(self, count, first=0):
        master = ["--worker", "--master-host", "127.0.0.1", "--master-port", str(self._port)]
        return [self.start(f"worker-{number}", *master) for number in range(first, first + count)]

    def url(self, path):
        return f"http://127.0.0.1:{self.web}{path}"

    def both(self):
        """Metrics and /stats/requests of one moment."""
        status, _, body = get(self.url("/same-moment"))
        if status != 200:
            return None
        found = json.loads(body)
        return samples(found["metrics"]), found["stats"]

    def wait(self, condition, what):
        """Waits until metrics and stats of one moment fulfil the condition; returns them."""

        def met():
            found = self.both()
            return found if found and condition(*found) else None

        try:
            return until(met, what)
        except AssertionError as err:
            raise AssertionError(f"{err}; the master's log:\n{self.log('master')[-3000:]}") from err

    def swarm(self, users, rate):
        status, _, body = get(self.url("/swarm"), {"user_count": users, "spawn_rate": rate})
        assert status == 200, body

    def order(self, path):
        """Stops or resets: POST since 2.4x, GET before."""
        assert get(self.url(path), None if self.series else {})[0] == 200

    def end(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def installed_series():
    """The older Locusts of requirements/locust-*.txt."""
    names = sorted(file.name for file in (ROOT / "requirements").glob("locust-*.txt"))
    return [re.sub(r"locust-(.*)\.txt", r"\1", name) for name in names]
