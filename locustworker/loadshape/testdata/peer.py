"""Answers what the shapes of master/load_shapes.py ask for. One JSON object per line comes in, one goes out."""

import json
import pathlib
import sys
from types import SimpleNamespace

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))
from master import load_shapes


def ticks(name, numbers, moments):
    """Return [users, rate], or null, for each moment of [seconds, requests, failures]."""
    shape = getattr(load_shapes, name)()
    total = SimpleNamespace(num_requests=0, num_failures=0)
    options = SimpleNamespace(**numbers)
    shape.runner = SimpleNamespace(environment=SimpleNamespace(parsed_options=options), stats=SimpleNamespace(total=total))
    answer = []
    for seconds, total.num_requests, total.num_failures in moments:
        shape.get_run_time = lambda seconds=seconds: seconds
        answer.append(shape.tick())
    return answer


def main():
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"ticks": ticks}[request.pop("call")](**request)), flush=True)


if __name__ == "__main__":
    main()
