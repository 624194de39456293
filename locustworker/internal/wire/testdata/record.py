"""Record the messages of a real Locust master and a real worker.

usage: record.py OUTPUT_DIRECTORY

Starts both with stub_locustfile.py, a recording proxy between them, and drives
a test run through the master's web API. One file a frame is written: what it
is, its content as Python sees it, and its bytes in hex.
"""

import contextlib
import importlib.metadata
import pathlib
import platform
import pprint
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.parse
import urllib.request

import msgpack
import zmq

HERE = pathlib.Path(__file__).parent
DEADLINE = 90
# locust itself is not imported: it would replace the threads of this process.
VERSIONS = [f"{name} {importlib.metadata.version(name)}" for name in ("locust", "msgpack")]
VERSIONS.append(f"Python {platform.python_version()}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proxy(threading.Thread):
    """A ROUTER for the worker, a DEALER with its identity to the master."""

    def __init__(self, master_port):
        super().__init__(daemon=True)
        self.context = zmq.Context()
        self.front = self.context.socket(zmq.ROUTER)
        self.port = self.front.bind_to_random_port("tcp://127.0.0.1")
        self.master = f"tcp://127.0.0.1:{master_port}"
        self.back = None
        self.identity = None
        self.garbage = threading.Event()
        self.frames = []  # (direction, frame)
        self.running = True

    def run(self):
        poller = zmq.Poller()
        poller.register(self.front, zmq.POLLIN)
        while self.running:
            for sock, _ in poller.poll(50):
                if sock is self.front:
                    self.from_worker(poller)
                else:
                    frame = self.back.recv()
                    self.frames.append(("master", frame))
                    if msgpack.unpackb(frame, strict_map_key=False)[0] != "reconnect":  # not what is recorded here
                        self.front.send_multipart([self.identity, frame])
            if self.back and self.garbage.is_set():
                self.garbage.clear()
                self.back.send(b"\xc0\xc0")
        self.context.destroy(linger=0)

    def from_worker(self, poller):
        self.identity, frame = self.front.recv_multipart()
        self.frames.append(("worker", frame))
        if self.back is None:
            self.back = self.context.socket(zmq.DEALER)
            self.back.setsockopt(zmq.IDENTITY, self.identity)
            self.back.connect(self.master)
            poller.register(self.back, zmq.POLLIN)
        self.back.send(frame)

    def messages(self, side, kind):
        found = []
        for direction, frame in list(self.frames):
            message = msgpack.unpackb(frame, raw=False, strict_map_key=False)
            if direction == side and message[0] == kind:
                found.append((frame, message[1]))
        return found

    def wait(self, side, kind, accept=lambda data: True):
        """The first frame of that kind whose data is accepted."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            for frame, data in self.messages(side, kind):
                if accept(data):
                    return frame
            time.sleep(0.05)
        raise SystemExit(f"no {kind} from the {side} within {DEADLINE} s")


def post(url, body, kind):
    request = urllib.request.Request(url, data=body.encode(), headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30) as reply:
        reply.read()


@contextlib.contextmanager
def process(arguments, folder):
    with open(pathlib.Path(folder) / "log.txt", "ab") as log:
        p = subprocess.Popen([sys.executable, "-m", "locust", *arguments], cwd=folder, stdout=log, stderr=log)
        try:
            yield p
        finally:
            p.terminate()
            try:
                p.wait(15)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


def swarm(web, users):
    form = {"user_count": users, "spawn_rate": 10, "host": "http://target.example"}
    post(f"{web}/swarm", urllib.parse.urlencode(form), "application/x-www-form-urlencoded")


def drive(proxy, web, master):
    """Take a run from registration to quit; returns {name: frame}."""
    got = {}
    got["worker-client_ready"] = proxy.wait("worker", "client_ready")
    got["master-ack"] = proxy.wait("master", "ack")
    got["worker-heartbeat-ready"] = proxy.wait("worker", "heartbeat", lambda d: d["state"] == "ready")
    got["master-heartbeat"] = proxy.wait("master", "heartbeat")
    got["worker-stats-empty"] = proxy.wait("worker", "stats")
    swarm(web, 3)
    got["master-spawn"] = proxy.wait("master", "spawn")
    got["worker-spawning"] = proxy.wait("worker", "spawning")
    got["worker-spawning_complete"] = proxy.wait("worker", "spawning_complete")
    got["worker-heartbeat-running"] = proxy.wait("worker", "heartbeat", lambda d: d["state"] == "running")
    got["master-spawning_complete"] = proxy.wait("master", "spawning_complete")
    got["worker-stats"] = proxy.wait("worker", "stats", lambda d: d["errors"] and len(d["stats"]) == 3)
    got["worker-exception"] = proxy.wait("worker", "exception")
    got["worker-logs"] = proxy.wait("worker", "logs", lambda d: any("\n" in line for line in d["logs"]))
    for side in ("master", "worker"):
        for kind in ("nil", "scalars", "bytes", "keys", "datetime", "long_list"):
            got[f"{side}-echo_{kind}"] = proxy.wait(side, f"echo_{kind}")
    post(f"{web}/user", '{"user_class_name": "Alpha", "host": "http://b", "tasks": ["sample"]}', "application/json")
    got["master-update_user_class"] = proxy.wait("master", "update_user_class")
    proxy.garbage.set()
    got["master-reconnect"] = proxy.wait("master", "reconnect")
    post(f"{web}/stop", "", "text/plain")
    got["master-stop"] = proxy.wait("master", "stop")
    got["worker-client_stopped"] = proxy.wait("worker", "client_stopped")
    time.sleep(1)
    master.terminate()
    got["master-quit"] = proxy.wait("master", "quit")
    got["worker-quit"] = proxy.wait("worker", "quit")
    return got


def write(folder, name, frame):
    side, _, rest = name.partition("-")
    route = "worker to master" if side == "worker" else "master to worker"
    content = msgpack.unpackb(frame, raw=False, strict_map_key=False)
    text = pprint.pformat(content, width=100, sort_dicts=False, compact=True)
    head = [
        f"{route}: {rest}",
        "recorded from " + ", ".join(VERSIONS),
        "",
        *text.splitlines(),
    ]
    lines = [f"# {line}".rstrip() for line in head]
    lines += textwrap.wrap(frame.hex(), 100)
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


def main():
    out = pathlib.Path(sys.argv[1])
    port, web_port = free_port(), free_port()
    web = f"http://127.0.0.1:{web_port}"
    proxy = Proxy(port)
    proxy.start()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(HERE / "stub_locustfile.py", folder)
        common = ["-f", "stub_locustfile.py", "--skip-log-setup"]
        bind = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)]
        master_args = [*common, *bind, "--web-host", "127.0.0.1", "--web-port", str(web_port)]
        worker_args = [*common[:2], "--worker", "--master-host", "127.0.0.1", "--master-port", str(proxy.port)]
        try:
            with process(master_args, folder) as master, process(worker_args, folder):
                frames = drive(proxy, web, master)
        except BaseException:
            sys.stderr.write((pathlib.Path(folder) / "log.txt").read_text())
            raise
        finally:
            proxy.running = False
            proxy.join()
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.txt"):
        old.unlink()
    for name, frame in frames.items():
        write(out, name, frame)


main()
