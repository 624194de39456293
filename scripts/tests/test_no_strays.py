"""no_strays.py: what ends cleanly passes, what leaves something behind does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import no_strays
from conftest import SCRIPTS, until


def run(script: str, pidfile: Path) -> subprocess.CompletedProcess[str]:
    """Runs a shell script under no_strays.py."""
    command = [sys.executable, str(SCRIPTS / "no_strays.py"), "sh", "-c", script, "sh", str(pidfile)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_the_exit_code_is_the_commands_own(tmp_path: Path, script: str, code: int) -> None:
    done = run(script, tmp_path / "pid")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize(
    "start", ["sleep 99 & echo $! >$1", "setsid sh -c 'echo $$ >$0; exec sleep 99' $1 & until [ -s $1 ]; do :; done"]
)
def test_what_is_left_behind_is_shown_and_killed(tmp_path: Path, start: str) -> None:
    pidfile = tmp_path / "pid"
    done = run(f"({start}) >/dev/null 2>&1", pidfile)
    pid = int(pidfile.read_text())
    assert done.returncode == 1
    assert f"left behind and now killed: pid {pid}: sleep 99" in done.stderr
    until(lambda: not Path(f"/proc/{pid}").exists(), "the end of the stray")


def test_a_failing_command_keeps_its_code_and_is_cleaned_up_too(tmp_path: Path) -> None:
    done = run("sleep 99 >/dev/null 2>&1 & exit 3", tmp_path / "pid")
    assert done.returncode == 3
    assert "left behind" in done.stderr


def test_orphans_that_ended_are_collected_while_the_command_runs(tmp_path: Path) -> None:
    done = run("(sh -c 'echo $$ >$0' $1 &) ; until [ -s $1 ] && [ ! -e /proc/$(cat $1) ]; do :; done", tmp_path / "pid")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_ends_by_itself_soon_is_no_stray(tmp_path: Path) -> None:
    began = time.monotonic()
    done = run("sleep 0.3 >/dev/null 2>&1 &", tmp_path / "pid")
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began >= 0.3


def test_descendants_include_children_of_children() -> None:
    child = subprocess.Popen(["sh", "-c", "sleep 98; true"])
    try:
        until(lambda: "sleep 98" in no_strays.descendants(child.pid).values(), "the grandchild")
    finally:
        for pid in no_strays.descendants(child.pid):
            os.kill(pid, signal.SIGKILL)
        child.kill()
        child.wait()
