"""Answers, with the installed Locust, what its files and tables show of samples. One JSON object per line comes in, one goes out.

Times of the clock are float unix seconds, response times float milliseconds or null.
"""

import json
import os
import sys
from types import SimpleNamespace

from locust import stats as locust_stats

clock = SimpleNamespace(now=0.0)
clock.time = lambda: clock.now
locust_stats.time = clock


def record(stats, samples):
    for method, name, now, ms, length, error in samples:
        clock.now = now
        stats.log_request(method, name, ms, length)
        if error is not None:
            stats.log_error(method, name, error)


def show(start, seconds, users, exceptions, full, prefix):
    """Return the files and the tables of a run of so many seconds, each a list of samples."""
    clock.now = start
    stats = locust_stats.RequestStats()
    runner = SimpleNamespace(
        user_count=users,
        exceptions={i: {"count": n, "msg": m, "traceback": t, "nodes": {"local"}} for i, (n, m, t) in enumerate(exceptions)},
    )
    environment = SimpleNamespace(stats=stats, runner=runner)
    writer = locust_stats.StatsCSVFileWriter(environment, locust_stats.PERCENTILES_TO_REPORT, prefix, full)
    left = list(enumerate(seconds))

    def sleep(_):
        if not left:
            raise KeyboardInterrupt
        i, samples = left.pop(0)
        record(stats, samples)
        clock.now = start + i + 1

    locust_stats.gevent = SimpleNamespace(sleep=sleep)
    writer.stats_writer()
    writer.close_files()
    files = {}
    for kind in ("stats", "stats_history", "failures", "exceptions"):
        path = f"{prefix}_{kind}.csv"
        with open(path, newline="") as file:
            files[kind] = file.read()
        os.remove(path)
    return {
        "files": files,
        "current": locust_stats.get_stats_summary(stats, True),
        "whole": locust_stats.get_stats_summary(stats, False),
        "percentiles": locust_stats.get_percentile_stats_summary(stats),
        "errors": locust_stats.get_error_report_summary(stats) if stats.errors else [],
        "json": stats.serialize_stats(),
    }


def main():
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"show": show}[request.pop("call")](**request)), flush=True)


if __name__ == "__main__":
    main()
