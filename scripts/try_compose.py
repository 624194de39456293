#!/usr/bin/env python3
"""make test-compose: runs docker-compose.yml on this machine's engine, as docs/containers.md says it behaves.

Starts everything, runs users, adds Python workers and Go workers in the middle of a run, stops a worker, kills another,
and takes everything down. After each run the master's total must be what the service has answered; no container that
runs may be touched by a change to another; and at the end nothing of it may be left.

Needs Docker Engine 25 and Compose 2.24. Images that are missing are pulled. Project name, ports and volumes are the
test's own, so a load test that runs beside it goes on. OPEN_FILES, APP_CPUS and the like mean what they always do.
"""

from __future__ import annotations

import argparse
import sys
import time

from composed.engine import Engine, StepFailed, free_ports
from composed.load import Load

USERS = 40


def main() -> int:
    """Runs all steps; the exit code is 1 when one failed."""
    options = arguments()
    engine = Engine(
        dict(zip(("API_PORT", "LOCUST_WEB_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT"), free_ports(4), strict=True))
    )
    began = time.monotonic()
    try:
        engine.check()
        engine.begin(options.monitoring)
        run_steps(engine, options.monitoring)
    except (StepFailed, OSError) as err:
        engine.show_logs()
        print(f"test-compose: FAILED: {err}", flush=True)
        return 1
    finally:
        if not options.keep:
            engine.end()
    if not options.keep and (left := engine.left()):
        print(f"test-compose: FAILED: `{engine.DOWN}` leaves {', '.join(left)}")
        return 1
    print(f"test-compose: all steps passed in {time.monotonic() - began:.0f} s")
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument(
        "--monitoring", action="store_true", help="start the profile monitoring too, and ask Prometheus"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end")
    return parser.parse_args()


def run_steps(engine: Engine, monitoring: bool) -> None:
    """All steps, in order."""
    load = Load(engine.port("LOCUST_WEB_PORT"), engine.port("API_PORT"))
    every_class(load)
    grow(engine, load)
    lose_one(engine, load)
    if monitoring:
        load.check_targets(engine.port("PROMETHEUS_PORT"))


def every_class(load: Load) -> None:
    """The first run on a fresh database: all classes, no failure, no exception."""
    load.start(USERS, 2, load.classes())
    load.wait_requests(500)
    load.stop()
    load.check("a first run of all classes on a fresh database")


def grow(engine: Engine, load: Load) -> None:
    """Python workers and Go workers join a run, and one leaves it; what runs is not touched."""
    load.start(USERS, 2)
    load.wait_requests(300)
    before = engine.containers()
    engine.compose("--profile", "python", "up", "--detach")
    load.wait_workers(3)
    engine.check_untouched(before, "docker compose --profile python up")
    before = engine.containers()
    engine.compose("up", "--detach", "--no-deps", "--no-recreate", "--scale", "locust_worker=4", "locust_worker")
    load.wait_workers(5)
    engine.check_untouched(before, "a change of --scale")
    load.wait_users(USERS)
    load.wait_shares(5, USERS)
    load.wait_requests(load.requests() + 500)
    leaving = engine.workers()[-1]
    engine.docker("stop", leaving)
    load.wait_workers(4)
    load.wait_users(USERS)
    load.wait_requests(load.requests() + 500)
    load.stop()
    load.check("a run that a Python worker and two Go workers joined, and that one left")


def lose_one(engine: Engine, load: Load) -> None:
    """A worker is killed: its users go to the others, and only its own last seconds are missing."""
    load.start(USERS, 4)
    load.wait_requests(500)
    engine.docker("kill", engine.workers()[-1])
    load.wait_workers(3)
    load.wait_users(USERS)
    load.wait_requests(load.requests() + 500)
    load.stop()
    load.check("a run in which a worker was killed", may_miss=True)


if __name__ == "__main__":
    sys.exit(main())
