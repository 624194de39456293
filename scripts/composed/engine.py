"""Docker and docker compose, on a project of the test's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LEAST_ENGINE, LEAST_COMPOSE = (25, 0), (2, 24)
PROJECT = "bandwing-test"
IMAGES = ("api", "master", "worker")


class StepFailed(Exception):
    """A step did not do what it should; the text says which, and what was seen."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]


def version(text: str) -> tuple[int, ...]:
    """The first two numbers of a version; () when there are none."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else ()


class Engine:
    """One project of docker compose. `ports` are published on 127.0.0.1 alone, by the variables that name them."""

    DOWN = f"docker compose -p {PROJECT} --profile '*' down --volumes --remove-orphans"

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = dict(ports)
        self._had: set[str] = set()
        tag = f"test-{os.getpid()}"
        self._images = [f"bandwing/{name}:{tag}" for name in IMAGES]
        kept = {
            n: v for n, v in os.environ.items() if not n.startswith(("LOCUST", "REDIS", "API_", "COMPOSE_", "SAMPLES"))
        }
        self._env = kept | {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        # With time for tasks to end, no request is cut, and the counts of both sides are the same.
        self._env |= {"BANDWING_VERSION": tag, "WORKERS": "2", "LOCUST_STOP_TIMEOUT": "5", "STOP_GRACE_PERIOD": "20s"}

    def port(self, variable: str) -> int:
        """The port of a variable."""
        return self._ports[variable]

    def check(self) -> None:
        """Fails when there is no engine, or one that is too old."""
        if shutil.which("docker") is None:
            raise StepFailed("there is no docker on this machine")
        engine = self._run("docker", "version", "--format", "{{.Server.Version}}")
        compose = self._run("docker", "compose", "version", "--short")
        if version(engine) < LEAST_ENGINE or version(compose) < LEAST_COMPOSE:
            raise StepFailed(
                f"needed are Docker Engine 25.0 and Compose 2.24 or later; these are {engine} and {compose}"
            )
        if left := self.left():
            raise StepFailed(f"there is {', '.join(left)} of another run: end it, or run `{self.DOWN}`")

    def begin(self, monitoring: bool) -> None:
        """Builds the images and starts everything; returns when all parts are healthy."""
        self.compose("build")
        profile = ["--profile", "monitoring"] if monitoring else []
        self.compose(*profile, "up", "--detach", "--wait", "--wait-timeout", "600")

    def end(self) -> None:
        """Takes everything down, as documented, and deletes the images that were built."""
        for command in (
            ["docker", "compose", "-p", PROJECT, "--profile", "*", "down", "--volumes", "--remove-orphans"],
            ["docker", "image", "rm", "--force", *self._images],
        ):
            done = subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"test-compose: {' '.join(command)}: {done.stderr.strip()}")

    def left(self) -> list[str]:
        """Containers, volumes and networks of the project."""
        found = []
        for kind in ("container", "volume", "network"):
            command = ["docker", kind, "ls", "--filter", f"label=com.docker.compose.project={PROJECT}"]
            command += ["--all"] if kind == "container" else []
            column = "{{.Names}}" if kind == "container" else "{{.Name}}"
            found += [f"{kind} {name}" for name in self._run(*command, "--format", column).split()]
        return found

    def compose(self, *arguments: str) -> str:
        """Runs docker compose, and shows that it does."""
        print(f"test-compose: docker compose {' '.join(arguments)}", flush=True)
        return self._run("docker", "compose", "-p", PROJECT, *arguments)

    def docker(self, *arguments: str) -> str:
        """Runs docker, and shows that it does."""
        print(f"test-compose: docker {' '.join(arguments)}", flush=True)
        return self._run("docker", *arguments)

    def containers(self) -> dict[str, str]:
        """What runs: the name of each container, and which one it is since when."""
        label = f"label=com.docker.compose.project={PROJECT}"
        names = self._run("docker", "ps", "--filter", label, "--format", "{{.Names}}").split()
        shown = json.loads(self._run("docker", "inspect", *names)) if names else []
        return {one["Name"].strip("/"): f"{one['Id']} since {one['State']['StartedAt']}" for one in shown}

    def check_untouched(self, before: Mapping[str, str], what: str) -> None:
        """Fails when a container of `before` was replaced, started anew or ended."""
        now = self.containers()
        for name, was in before.items():
            if now.get(name) != was:
                raise StepFailed(f"{what} touched {name}: it was {was}, now it is {now.get(name, 'gone')}")

    def workers(self) -> list[str]:
        """The names of the Go workers' containers that run."""
        return sorted(name for name in self.containers() if "-locust_worker-" in name)

    def show_logs(self) -> None:
        """Shows the end of each container's log."""
        command = ["docker", "compose", "-p", PROJECT, "--profile", "*", "logs", "--no-color", "--tail", "40"]
        shown = subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, check=False)
        print(shown.stdout, flush=True)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self._env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            tail = "\n".join(f"    {line}" for line in (done.stdout + done.stderr).strip().splitlines()[-20:])
            raise StepFailed(f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{tail}")
        return done.stdout.strip()
