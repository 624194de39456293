"""One child process: in a group of its own, with a log file, and never outliving us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from stack.config import ROOT

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(sig: signal.Signals, parent: int) -> None:
    """Makes the kernel send us `sig` when our parent (the thread that forked us) ends, or at once if it has."""
    if _LIBC.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0) != 0:
        err = ctypes.get_errno()
        raise OSError(err, f"prctl(PR_SET_PDEATHSIG): {os.strerror(err)}")
    if os.getppid() != parent:
        os.kill(os.getpid(), sig)


def _in_child(parent: int) -> Callable[[], None]:
    return lambda: die_with_parent(signal.SIGKILL, parent)


@dataclass(frozen=True)
class Spec:
    """What to run. `stdin` is the text that it may read; `env` is added to our environment.

    `shown` leaves its output where ours goes; then `log` stays empty.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    shown: bool = False


class Process:
    """A started child. Must be created by the main thread: its end would count as the parent's end.

    The child leads its own session, so a Ctrl-C in the terminal reaches only us, and whatever it starts itself
    goes when it goes. Raises OSError when the program cannot be started.
    """

    def __init__(self, spec: Spec) -> None:
        self.name = spec.name
        self.log = spec.log
        self.code: int | None = None
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        with spec.log.open("wb") as log, _stdin(spec.stdin) as stdin:
            self._popen = subprocess.Popen(
                list(spec.command),
                cwd=ROOT,
                env={**os.environ, **spec.env},
                stdin=stdin,
                stdout=None if spec.shown else log,
                stderr=None if spec.shown else subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_in_child(os.getpid()),
            )

    @property
    def pid(self) -> int:
        """The process id, also the id of its group."""
        return self._popen.pid

    def alive(self) -> bool:
        """Whether it still runs. Sweeps up what is left of its group once it does not.

        The exit is looked at without being reaped first: until then the kernel gives its id to nobody else,
        so the sweep cannot hit a stranger.
        """
        if self.code is not None:
            return False
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return True
        self._signal_group(signal.SIGKILL)
        self.code = self._popen.wait()
        return False

    def terminate(self) -> None:
        """Asks the process to end (SIGTERM). Only itself: it knows best how to end what it started."""
        if self.alive():
            self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the whole group at once (SIGKILL) and waits for it."""
        if self.alive():
            self._signal_group(signal.SIGKILL)
            self.code = self._popen.wait()

    def how_it_ended(self) -> str:
        """The exit code in words."""
        if self.code is None:
            return "is running"
        if self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"

    def last_lines(self, count: int = 5) -> list[str]:
        """The end of its log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 16384))
                text = log.read().decode(errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-count:]

    def _signal_group(self, sig: signal.Signals) -> None:
        try:
            os.killpg(self.pid, sig)
        except ProcessLookupError:
            pass


def _stdin(text: str) -> IO[bytes]:
    """A file to read `text` from, already gone from the disk: a password belongs on no command line."""
    if not text:
        return open(os.devnull, "rb")
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    file.write(text.encode())
    file.seek(0)
    return file
