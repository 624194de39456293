"""The rules by which a master judges a run; the vectors are those of the Go package threshold too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from locust import stats as locust_stats

from master import thresholds

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads(
    (ROOT / "locustworker/internal/headless/threshold/testdata/vectors.json").read_text(encoding="utf-8")
)

LOCUSTFILE = """
import time
from locust import User, constant, task

class Tapper(User):
    wait_time = constant(0.05)

    @task
    def tap(self):
        self.environment.events.request.fire(
            request_type="GET", name="/x", response_time=7, response_length=1, exception=None, context={})

    @task
    def fail(self):
        self.environment.events.request.fire(
            request_type="GET", name="/y", response_time=7, response_length=1, exception=ValueError("no"), context={})
"""


@pytest.fixture
def stats(monkeypatch):
    clock = SimpleNamespace(now=1_700_000_000.0)
    monkeypatch.setattr(locust_stats, "time", SimpleNamespace(time=lambda: clock.now))
    all_of_them = locust_stats.RequestStats()
    clock.now += VECTORS["seconds"]
    for request in VECTORS["requests"]:
        for _ in range(request["times"]):
            all_of_them.log_request(request["type"], request["name"], request["ms"], 0)
            if request.get("failed"):
                all_of_them.log_error(request["type"], request["name"], "no")
    return all_of_them


@pytest.mark.parametrize("text", VECTORS["valid"])
def test_rules_are_read(text):
    assert thresholds.parse(text).text == text.strip()


@pytest.mark.parametrize(("text", "error"), VECTORS["invalid"])
def test_what_is_no_rule(text, error):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text is compared whole
        thresholds.parse(text)
    assert str(raised.value) == error


@pytest.mark.parametrize("want", VECTORS["judged"], ids=lambda want: want["rule"])
def test_rules_are_judged(stats, want):
    rule = thresholds.parse(want["rule"])
    result = rule.judge(stats)
    assert (result.measured(), result.held, rule.broken(stats)) == (
        want["measured"],
        want["held"],
        want.get("broken", False),
    )


def test_nothing_measured_is_no_success():
    empty = locust_stats.RequestStats()
    held = {text: thresholds.parse(text).judge(empty).held for text in ("p(95) < 1s", "fail_ratio < 1%", "fails == 0")}
    assert held == {"p(95) < 1s": False, "fail_ratio < 1%": False, "fails == 0": True}


def test_what_is_shown(stats):
    texts = ("p(95) < 200ms", "name:/nowhere<&: p(99) < 50ms", "fail_ratio < 1%")
    results = [thresholds.parse(text).judge(stats) for text in texts]
    assert thresholds.table(results) == [
        "Thresholds",
        "held      p(95) < 200ms                  70 ms",
        "BREACHED  name:/nowhere<&: p(99) < 50ms  no requests",
        "BREACHED  fail_ratio < 1%                1.905%",
        "",
    ]
    assert (
        thresholds.annotations(results)[1] == "::error title=Threshold breached::fail_ratio < 1%25: measured 1.905%25"
    )
    suite = ElementTree.fromstring(thresholds.junit(results)).find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert suite[1].find("failure").get("message") == "measured no requests"


def run(tmp_path, *options, **env):
    """Run Locust with the thresholds; return its exit code and output."""
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    command = [sys.executable, "-m", "locust", "-f", f"locustfile.py,{ROOT / 'master/thresholds.py'}"]
    command += ["--headless", "--only-summary", "-u", "4", "-r", "4", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--threshold", "p(95) < 5ms"], 99),
        (["--threshold", "p(95) < 50ms"], 1),  # there are failures
        (["--threshold", "p(95) < 50ms", "--threshold", "fail_ratio < 90%"], 0),
        (["--threshold", "name:/y: fail_ratio < 10%", "--threshold", "fails > 0"], 99),
    ],
)
def test_the_exit_code_of_locust(tmp_path, options, code):
    got, output = run(tmp_path, "-t", "2", *options, "--junit", "out/junit.xml")
    assert got == code, output
    assert ("BREACHED" in output) == (code == 99)
    failures = ElementTree.parse(tmp_path / "out/junit.xml").getroot()[0].get("failures")
    assert (failures != "0") == (code == 99)


def test_a_breach_ends_the_run(tmp_path):
    code, output = run(tmp_path, "-t", "50", "--abort-on-threshold", "--threshold", "fails == 0")
    assert code == 99
    assert "Threshold fails == 0 is breached" in output


def test_a_wrong_rule_is_a_wrong_usage(tmp_path):
    code, output = run(tmp_path, "--threshold", "p95 < 5ms")
    assert code == 2
    assert "there is no metric 'p95'" in output
