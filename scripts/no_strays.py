#!/usr/bin/env python3
"""Runs a command and fails when it leaves processes behind: no_strays.py COMMAND ARG...

We become the reaper of everything below us, so a process whose parent ended comes to us, whatever session or group it
moved to. After the command has ended nobody may be left; those who are get shown and killed.
Exit code: the command's own, or 1 when it ended well but left something behind. Silent when all is well.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
GRACE = 3.0  # seconds: what was told to end a moment ago may still be on its way out


def become_reaper() -> None:
    """Makes orphans below us our children. Raises OSError where the kernel cannot do it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        err = ctypes.get_errno()
        raise OSError(err, f"prctl(PR_SET_CHILD_SUBREAPER): {os.strerror(err)}")


def descendants(root: int) -> dict[int, str]:
    """All living processes below `root`: process id to command line."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(entry.name))
    found: dict[int, str] = {}
    todo = [root]
    while todo:
        for pid in children.get(todo.pop(), []):
            found[pid] = command_line(pid)
            todo.append(pid)
    return found


def command_line(pid: int) -> str:
    """The command line of a process, or "?" when it is gone."""
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "?"


def wait_for(wanted: int) -> int:
    """Waits for our child, returns its exit code, and meanwhile collects the orphans that come to us: a process that
    nobody collects looks as if it still ran."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == wanted:
            return os.waitstatus_to_exitcode(status)


def left_after(grace: float) -> dict[int, str]:
    """What is still below us after `grace` seconds; returns as soon as nothing is."""
    deadline = time.monotonic() + grace
    while (found := descendants(os.getpid())) and time.monotonic() < deadline:
        reap()
        time.sleep(0.05)
    return found


def reap() -> None:
    """Collects the exit codes of orphans that came to us."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main(command: Sequence[str]) -> int:
    """Runs the command, then looks for what it left."""
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    become_reaper()
    child = subprocess.Popen(command)
    # From here on the command decides what Ctrl-C means; we must outlive it to look after it.
    for sig in (signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _frame: os.kill(child.pid, number))
    code = child.returncode = wait_for(child.pid)
    strays = left_after(GRACE)
    for pid, line in strays.items():
        print(f"no_strays: left behind and now killed: pid {pid}: {line}", file=sys.stderr)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    left_after(GRACE)
    if code:
        return code if code > 0 else 128 - code
    return 1 if strays else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
