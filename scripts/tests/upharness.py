"""Runs `make up`, or up.py itself, and reads along."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence

from conftest import LOCAL, ROOT, TIMEOUT

UP = [str(LOCAL / "venv" / "bin" / "python"), "scripts/up.py"]
READY = "Ctrl-C stops it."


class Run:
    """One run on a terminal of its own, as a user has it. `text` is what it printed so far."""

    def __init__(self, env: Mapping[str, str], command: Sequence[str] = UP) -> None:
        self._ours, theirs = pty.openpty()
        self._text = b""
        self._news = threading.Condition()
        self._hung_up = threading.Event()
        self.process = subprocess.Popen(
            list(command), cwd=ROOT, env=dict(env), stdin=theirs, stdout=theirs, stderr=theirs,
            preexec_fn=lambda: _own_terminal(theirs),
        )  # fmt: skip
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        chunk = b"-"
        while chunk and not self._hung_up.is_set():
            if not select.select([self._ours], [], [], 0.05)[0]:
                continue
            try:
                chunk = os.read(self._ours, 65536)
            except OSError:  # the last process on the terminal has ended
                chunk = b""
            with self._news:
                self._text += chunk
                self._news.notify_all()
        os.close(self._ours)

    @property
    def text(self) -> str:
        """All output so far."""
        return self._text.decode(errors="replace").replace("\r\n", "\n")

    def wait_for(self, words: str) -> None:
        """Waits until the words were printed; fails when the program ends before."""
        deadline = time.monotonic() + TIMEOUT
        with self._news:
            while words not in self.text:
                assert self._reader.is_alive(), f"ended without printing {words!r}:\n{self.text}"
                assert time.monotonic() < deadline, f"did not print {words!r}:\n{self.text}"
                self._news.wait(0.1)

    def pid_of(self, name: str) -> int:
        """The process id of a part, as printed."""
        found = re.search(rf"starting [^\n]*pid (\d+), log [^\n]*/{name}\.log", self.text)
        assert found, f"no start of {name} in:\n{self.text}"
        return int(found[1])

    def ctrl_c(self) -> None:
        """Presses Ctrl-C in the terminal: the kernel signals its whole foreground group."""
        os.write(self._ours, b"\x03")

    def hang_up(self) -> None:
        """Closes the terminal, like a user who closes the window."""
        self._hung_up.set()
        self._reader.join(TIMEOUT)

    def end(self) -> int:
        """Waits for the end; the exit code."""
        code = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        return code

    def close(self) -> None:
        """Ends whatever is still there after a failed test."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(TIMEOUT)


def _own_terminal(fd: int) -> None:
    """Makes the child lead a session on that terminal. Not by start_new_session, which gevent obeys after this call."""
    os.setsid()
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
