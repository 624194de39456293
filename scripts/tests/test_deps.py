"""make deps: what is there is recognised, what is broken is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import deps
from conftest import LOCAL, ROOT, SCRIPTS


def test_a_second_run_does_nothing() -> None:
    command = [sys.executable, str(SCRIPTS / "deps.py"), "--local", str(LOCAL)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == "deps: requirements/base.txt: already installed"
    assert done.stdout.splitlines()[-1] == "deps: rejson.so: already there, loads"


def test_a_module_that_does_not_load_is_refused_with_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "rejson.so"
    broken.write_bytes(b"not a library")
    broken.chmod(0o755)
    with pytest.raises(deps.StepFailed, match=r"(?s)does not load into this redis-server .*: file too short"):
        deps.load_module(broken)


def test_the_installed_module_loads() -> None:
    assert deps.load_module(LOCAL / "redis" / "rejson.so").startswith("2.")


def test_no_redis_and_no_way_to_install_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert deps.redis_version() == ()
    with pytest.raises(deps.StepFailed, match="no apt-get: install redis-server"):
        deps.install_redis()


@pytest.mark.parametrize(("had_package", "want"), [(False, ["redis-server", "silenced"]), (True, ["redis-server"])])
def test_an_old_redis_is_replaced_by_debians(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, had_package: bool, want: list[str]
) -> None:
    fake = tmp_path / "redis-server"
    fake.write_text("#!/bin/sh\necho 'Redis server v=6.2.7 sha=0 malloc=x bits=64 build=0'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done: list[str] = []

    def apt_install(package: str) -> None:
        done.append(package)
        fake.unlink()

    monkeypatch.setattr(deps, "apt_install", apt_install)
    monkeypatch.setattr(deps, "package_installed", lambda package: had_package)
    monkeypatch.setattr(deps, "silence_service", lambda _: done.append("silenced"))
    assert deps.redis_version() == (6, 2, 7)
    deps.install_redis()
    assert done == want
    assert deps.redis_version() >= (7,)


def test_a_failing_command_shows_its_output() -> None:
    with pytest.raises(deps.StepFailed, match=r"(?s)`sh -c .*` failed with exit code 3:\n    no room"):
        deps.run("sh", "-c", "echo no room >&2; exit 3")


def test_pins_are_exact() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        for line in file.read_text().splitlines():
            assert line.startswith(("#", "-r ")) or "==" in line, f"{file.name}: {line}"


def test_the_fingerprint_covers_included_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("base.txt", "dev.txt"):
        (tmp_path / name).write_text((ROOT / "requirements" / name).read_text())
    monkeypatch.setattr(deps, "REQUIREMENTS", tmp_path)
    dev = tmp_path / "dev.txt"
    before = deps.fingerprint(True, dev)
    (tmp_path / "base.txt").write_text("locust==0\n")
    assert deps.fingerprint(True, dev) != before
