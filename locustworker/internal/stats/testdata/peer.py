"""Answers, with the installed Locust, what its own statistics make of samples and reports.

One JSON object per line comes in, one goes out; see the functions below for their fields.
Times of the clock are float unix seconds, response times float milliseconds or null.
"""

import json
import sys
from types import SimpleNamespace

from locust import stats as locust_stats
from locust.event import EventHook

clock = SimpleNamespace(now=0.0)
clock.time = lambda: clock.now
locust_stats.time = clock  # StatsEntry and StatsError read the clock through the module's own name


def new_stats(now):
    clock.now = now
    return locust_stats.RequestStats(use_response_times_cache=False)


def record(stats, samples):
    """Log each sample as Environment's listener for the request event does: it is one unit."""
    for method, name, now, ms, length, error in samples:
        clock.now = now
        stats.log_request(method, name, ms, length)
        if error is not None:
            stats.log_error(method, name, error)


def listeners(stats):
    events = SimpleNamespace(report_to_master=EventHook(), worker_report=EventHook())
    locust_stats.setup_distributed_stats_event_listeners(events, stats)
    return events


def integer_keys(counts):
    """JSON has no integer keys: {"12": 1} becomes {12: 1}, {"0.5": 1} becomes {0.5: 1}."""
    return {float(k) if "." in k else int(k): v for k, v in counts.items()}


def receive(events, report):
    for entry in [*report["stats"], report["stats_total"]]:
        for field in ("response_times", "num_reqs_per_sec", "num_fail_per_sec"):
            entry[field] = integer_keys(entry[field])
    # not fire(), which would log an error of the listener and go on
    for listener in events.worker_report._handlers:
        listener(client_id="worker", data=report)


def entry_figures(entry):
    """Return everything that the web UI, the console, the CSV files or the HTML report show of an entry."""
    figures = entry.to_dict()
    figures.update(
        last=entry.last_request_timestamp,
        none=entry.num_none_requests,
        exact_min=entry.min_response_time,
        exact_max=entry.max_response_time,
        fail_ratio=entry.fail_ratio,
        length=entry.total_content_length,
        percentiles=[entry.get_response_time_percentile(p) for p in locust_stats.PERCENTILES_TO_REPORT],
        response_times=sorted(entry.response_times.items()),
        per_second=sorted(entry.num_reqs_per_sec.items()),
        fails_per_second=sorted(entry.num_fail_per_sec.items()),
    )
    return figures


def figures(stats):
    return {
        "entries": [entry_figures(stats.entries[key]) for key in sorted(stats.entries)],
        "total": entry_figures(stats.total),
        "total_start": stats.total.start_time,
        "errors": sorted((e.to_dict() for e in stats.errors.values()), key=lambda e: (e["name"], e["method"], e["error"])),
    }


def direct(start, samples):
    """Return the figures of one RequestStats that saw all samples itself."""
    stats = new_stats(start)
    record(stats, samples)
    return figures(stats)


def worker(start, batches):
    """Return the reports of a Python worker that reports at "at", after the "samples" of each batch."""
    stats = new_stats(start)
    events = listeners(stats)
    reports = []
    for batch in batches:
        record(stats, batch["samples"])
        clock.now = batch["at"]
        data = {}
        events.report_to_master.fire(client_id="worker", data=data)
        data["errors"] = list(data["errors"].values())
        reports.append(json.loads(json.dumps(data)))
    return reports


def master(start, reports):
    """Return the figures of a master that got these reports; errors are keyed as Locust does."""
    stats = new_stats(start)
    events = listeners(stats)
    for report in reports:
        keyed = {}
        for error in report["errors"]:
            key = locust_stats.StatsError.create_key(error["method"], error["name"], error["error"])
            assert key not in keyed, f"two rows for one error: {error}"
            keyed[key] = error
        report["errors"] = keyed
        receive(events, report)
    return figures(stats)


def buckets(ns):
    """Return Locust's bucket, in ms, of each time in nanoseconds."""
    return [locust_stats.bucket_response_time(n / 1e6) for n in ns]


def sweep(first, last, step):
    """Return a run-length list [[bucket, count], ...] for all times of a range in nanoseconds."""
    runs = []
    for n in range(first, last, step):
        key = locust_stats.bucket_response_time(n / 1e6)
        if runs and runs[-1][0] == key:
            runs[-1][1] += 1
        else:
            runs.append([key, 1])
    return runs


def main():
    calls = {f.__name__: f for f in (direct, worker, master, buckets, sweep)}
    for line in sys.stdin:
        request = json.loads(line)
        answer = calls[request.pop("call")](**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
