"""Thresholds for a Locust master, and for a Locust without workers, beside the locustfile:

    locust -f locustfile.py,master/thresholds.py --headless -u 100 -t 5m \\
        --threshold 'p(95) < 200ms' --threshold 'fail_ratio < 1%' --threshold 'name:/api/v1/get_json: p(99) < 50ms'

The rules, the table at the end, the exit code 99 for a breach, --abort-on-threshold and --junit are those of a Go
program that runs with --headless: docs/headless.md describes them. A worker ignores them.
"""

from __future__ import annotations

import logging
import operator
import os
import re
import sys
import time
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import gevent
from locust import events, log
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_STOPPED, WorkerRunner
from locust.stats import StatsEntry

EXIT_CODE = 99  # as k6 has it
DROPPED = "DROPPED"  # the type of rows that count requests that were due and not made
ABORT_AFTER = 5  # seconds for which thresholds cannot end a run

DURATION, SHARE, RATE, NUMBER = range(4)
KINDS = dict.fromkeys(("avg", "med", "min", "max"), DURATION) | dict.fromkeys(("count", "fails", "dropped"), NUMBER)
KINDS |= {"fail_ratio": SHARE, "rps": RATE}
UNITS = {
    DURATION: {"": 1, "us": 0.001, "µs": 0.001, "ms": 1, "s": 1000, "m": 60_000},
    SHARE: {"": 1, "%": 0.01},
    RATE: {"": 1, "/s": 1},
    NUMBER: {"": 1},
}
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

RULE = re.compile(r"([^<>=!]*)([<>=!]+)([^<>=!]*)")
PERCENTILE = re.compile(r"p\(\s*(.*?)\s*\)")
QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(\S*)")

console = logging.getLogger("locust.stats_logger")
logger = logging.getLogger("thresholds")


@dataclass
class Threshold:
    """One rule; parse makes it."""

    text: str
    method: str = ""  # "" is any
    name: str = ""  # "" is all rows
    metric: str = ""  # p for percentiles
    share: float = 0
    kind: int = NUMBER
    comparison: str = ""
    bound: float = 0

    def judges_failures(self):
        """Whether the rule says how many requests of the whole run may fail."""
        return self.name == "" and self.metric in ("fail_ratio", "fails")

    def judge(self, stats):
        """Hold statistics against the rule."""
        value = self._measure(stats)
        held = value is not None and COMPARISONS[self.comparison](value, self.bound)
        return Result(self, value, held)

    def broken(self, stats):
        """Whether a run that goes on is to be ended: a lower bound of what grows with the run may yet be met."""
        result = self.judge(stats)
        if result.held or result.value is None:
            return False
        if self.kind in (NUMBER, RATE):
            above = self.comparison == "==" and self.kind == NUMBER and result.value > self.bound
            return self.comparison in ("<", "<=") or above
        return True

    def _measure(self, stats):
        """Return the value, or None when there is no request that the rule could be about."""
        if self.metric == "dropped":
            return sum(
                e.num_requests
                for (name, method), e in stats.entries.items()
                if method == DROPPED and self.name in ("", name)
            )
        entry = stats.total if self.name == "" else _select(stats, self.method, self.name)
        if entry is None:
            return 0 if self.kind in (NUMBER, RATE) else None
        whole = {
            "count": lambda: entry.num_requests,
            "fails": lambda: entry.num_failures,
            "rps": lambda: entry.total_rps,
            "fail_ratio": lambda: entry.fail_ratio if entry.num_requests else None,
        }
        if self.metric in whole:
            return whole[self.metric]()
        return self._time(entry) if entry.num_requests > entry.num_none_requests else None

    def _time(self, entry):
        times = {
            "avg": lambda: entry.avg_response_time,
            "med": lambda: entry.median_response_time,
            "min": lambda: entry.min_response_time,
            "max": lambda: entry.max_response_time,
            "p": lambda: entry.get_response_time_percentile(self.share),
        }
        return times[self.metric]()


def _select(stats, method, name):
    """Return the sum of all rows with a name, and a method unless it is "", or None."""
    total = None
    for (row, kind), entry in stats.entries.items():
        if row == name and method in ("", kind):
            total = total or StatsEntry(stats, name, method)
            total.extend(entry)
    return total


@dataclass
class Result:
    """What statistics make of a rule; without a value there is no request that it could be about."""

    threshold: Threshold
    value: float | None
    held: bool

    def measured(self):
        """Return the value as text."""
        if self.value is None:
            return "no requests"
        kind = self.threshold.kind
        if kind == DURATION:
            return _decimals(self.value, 3) + " ms"
        if kind == SHARE:
            return _decimals(self.value * 100, 3) + "%"
        return _decimals(self.value, 2) + " /s" if kind == RATE else f"{self.value:.0f}"


def _decimals(value, digits):
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def parse(text: str) -> Threshold:
    """Read a rule; a ValueError says what to write instead."""
    rule = Threshold(text.strip())
    try:
        _parse(rule)
    except ValueError as error:
        raise ValueError(f"threshold '{rule.text}': {error}") from None
    return rule


def _parse(rule):
    match = RULE.fullmatch(_take_row(rule))
    if not match:
        raise ValueError("there is no comparison: write METRIC < VALUE, as in p(95) < 200ms")
    metric, comparison, value = (part.strip() for part in match.groups())
    _take_metric(rule, metric)
    if comparison not in COMPARISONS:
        raise ValueError(f"'{comparison}' is no comparison: use <, <=, >, >=, == or !=")
    rule.comparison = comparison
    _take_bound(rule, value)


def _take_row(rule):
    """Read the row and return what is left. A name may have colons: it ends at the last one."""
    rest = rule.text
    if rest.startswith("type:"):
        rule.method, _, rest = rest.removeprefix("type:").partition(" ")
        rest = rest.strip()
        if not rule.method or not rest.startswith("name:"):
            raise ValueError("a type stands before a name: write type:GET name:/path: p(95) < 200ms")
    if not rest.startswith("name:"):
        return rest
    name, _, expression = rest.removeprefix("name:").rpartition(":")
    rule.name = name.strip()
    if not rule.name:
        raise ValueError("a row is written name:NAME: and then the rule, as in name:/path: p(95) < 200ms")
    return expression


def _take_metric(rule, metric):
    if metric in KINDS:
        rule.metric, rule.kind = metric, KINDS[metric]
        return
    match = PERCENTILE.fullmatch(metric)
    if not match:
        raise ValueError(
            f"there is no metric '{metric}': use p(N), avg, med, min, max, fail_ratio, rps, count, fails or dropped"
        )
    quantity = QUANTITY.fullmatch(match[1])
    if not quantity or quantity[2] or float(quantity[1]) > 100:
        raise ValueError(f"'{match[1]}' is no percentile from 0 to 100")
    rule.metric, rule.kind, rule.share = "p", DURATION, float(quantity[1]) / 100


def _take_bound(rule, value):
    quantity = QUANTITY.fullmatch(value)
    factor = UNITS[rule.kind].get(quantity[2]) if quantity else None
    bound = float(quantity[1]) * factor if factor is not None else None
    if rule.kind == SHARE and (bound is None or bound > 1):
        raise ValueError(f"'{value}' is no share: write 5% or 0.05")
    if bound is None and rule.kind == DURATION:
        raise ValueError(f"'{value}' is no time: write 200ms, 1.5s or 200, which is milliseconds")
    if bound is None:
        raise ValueError(f"'{value}' is no number")
    rule.bound = bound


def table(results) -> list[str]:
    """Return the lines of a table of what is held and what is not; none without rules."""
    if not results:
        return []
    width = max(len(r.threshold.text) for r in results)
    lines = [f"{'held' if r.held else 'BREACHED':8}  {r.threshold.text:{width}}  {r.measured()}" for r in results]
    return ["Thresholds", *lines, ""]


def annotations(results) -> list[str]:
    """Return an error for each rule that is not held, as GitHub Actions reads it from the output of a job."""
    texts = (f"{r.threshold.text}: measured {r.measured()}" for r in results if not r.held)
    escaped = (text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A") for text in texts)
    return [f"::error title=Threshold breached::{text}" for text in escaped]


def junit(results) -> bytes:
    """Return the results as JUnit's XML: a test case for each rule."""
    root = ElementTree.Element("testsuites")
    failures = str(sum(not r.held for r in results))
    suite = ElementTree.SubElement(root, "testsuite", name="thresholds", tests=str(len(results)), failures=failures)
    for r in results:
        case = ElementTree.SubElement(suite, "testcase", classname="thresholds", name=r.threshold.text)
        if r.held:
            ElementTree.SubElement(case, "system-out").text = f"measured {r.measured()}"
        else:
            ElementTree.SubElement(case, "failure", message=f"measured {r.measured()}")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _checked(text: str) -> str:
    """Check a rule of the command line, and leave it a text: a master sends all arguments to its workers."""
    from argparse import ArgumentTypeError

    try:
        parse(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


@events.init_command_line_parser.add_listener
def _add_arguments(parser: Any) -> None:
    parser.add_argument(
        "--threshold",
        action="append",
        type=_checked,
        metavar="<rule>",
        env_var="LOCUST_THRESHOLD",
        include_in_web_ui=False,
        help="Judge the run by a rule such as 'p(95) < 200ms' (docs/headless.md). May be given several times.",
    )
    parser.add_argument(
        "--abort-on-threshold",
        action="store_true",
        env_var="LOCUST_ABORT_ON_THRESHOLD",
        include_in_web_ui=False,
        help="End the run when a threshold is breached, and do not wait for its end.",
    )
    parser.add_argument(
        "--junit",
        metavar="<filename>",
        env_var="LOCUST_JUNIT",
        include_in_web_ui=False,
        help="Write the thresholds as JUnit's XML, for a CI.",
    )


def _rules(environment):
    """Return the rules of a process that judges: none of a worker."""
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or options is None:
        return []
    return [parse(text) for text in getattr(options, "threshold", None) or []]


@events.test_start.add_listener
def _on_test_start(environment, **_kwargs):
    rules = _rules(environment)
    if rules and getattr(environment.parsed_options, "abort_on_threshold", False):
        gevent.spawn(_watch, environment, rules)


def _watch(environment, rules):
    """End the run that has begun when a rule is breached."""
    runner, began = environment.runner, time.monotonic()
    gevent.sleep(1)
    while runner.state not in (STATE_INIT, STATE_STOPPED):
        if runner.state == STATE_RUNNING and time.monotonic() - began >= ABORT_AFTER:
            broken = [rule for rule in rules if rule.broken(runner.stats)]
            if broken:
                logger.info(f"Threshold {broken[0].text} is breached, shutting down")
                end = runner.quit if getattr(environment.parsed_options, "headless", False) else runner.stop
                end()
                return
        gevent.sleep(1)


@events.quitting.add_listener
def _on_quitting(environment, **_kwargs):
    rules = _rules(environment)
    if not rules:
        return
    runner = environment.runner
    if runner.state not in (STATE_INIT, STATE_STOPPED):
        runner.quit()  # Ctrl-C: the figures are not the last ones yet
    results = [rule.judge(runner.stats) for rule in rules]
    for line in table(results):
        console.info(line)
    if "GITHUB_ACTIONS" in os.environ:
        for line in annotations(results):
            print(line, file=sys.stderr)
    if name := environment.parsed_options.junit:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as file:
            file.write(junit(results))
    _set_exit_code(environment, results)


def _set_exit_code(environment, results):
    """Set the exit code of a breach. Failures are no errors when a rule says how many there may be."""
    if not all(r.held for r in results):
        environment.process_exit_code = environment.process_exit_code or EXIT_CODE
    elif (
        environment.process_exit_code is None
        and any(r.threshold.judges_failures() for r in results)
        and not environment.runner.exceptions
        and not log.unhandled_greenlet_exception
    ):
        environment.process_exit_code = 0
