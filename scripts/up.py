#!/usr/bin/env python3
"""make up: the whole system in the foreground: Redis, the API, the Locust master and its workers.

make run: Redis and the API, and a run of the load test without a master."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from stack import config, process, supervisor


def main(argv: Sequence[str]) -> int:
    """Parses the command line, reads the variables, runs.

    Exit codes: 0 stopped, 1 failed, 2 wrong variables; with --run that of the load test.
    """
    parser = argparse.ArgumentParser(
        prog="up.py",
        description="Starts Redis, the API, the Locust master and its workers; Ctrl-C stops them all.",
        epilog=config.VARIABLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stop-with-parent", action="store_true", help="stop too when the calling process (make) dies")
    parser.add_argument(
        "--run",
        nargs=argparse.REMAINDER,
        metavar="OPTION",
        help="run the load test without a master, with these options, and stop when it has ended",
    )
    options = parser.parse_args(argv)
    if options.stop_with_parent:
        process.die_with_parent(signal.SIGTERM, os.getppid())
    try:
        settings = config.load()
    except config.ConfigError as err:
        print("up: error: " + "\n  ".join(str(err).splitlines()), flush=True)
        return 2
    return supervisor.serve(settings, options.run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
