"""Answers, with the installed Locust, how its dispatcher deals users out. One JSON object per line comes in, one goes out."""

import json
import sys
from types import SimpleNamespace

from locust import dispatch
from locust.runners import WorkerNode

slept = []
dispatch.gevent = SimpleNamespace(sleep=slept.append)
dispatch.time = SimpleNamespace(perf_counter=lambda: 0.0)  # computing takes no time


def cycles(classes, changes):
    """Return the steps of each change of [users, rate, class names or null, most steps]: [counts, seconds waited]."""
    types = {name: type(name, (), {"weight": weight, "fixed_count": fixed}) for name, weight, fixed in classes}
    dispatcher = dispatch.UsersDispatcher([WorkerNode("local")], list(types.values()))
    answer = []
    for users, rate, names, most in changes:
        dispatcher.new_dispatch(users, rate, names and [types[name] for name in names])
        steps = []
        for _ in range(most):
            slept.clear()
            try:
                counts = next(dispatcher)["local"]
            except StopIteration:
                break
            if steps and slept:
                steps[-1][1] = slept[0]  # the wait comes when the next step is asked for
            steps.append([counts, 0.0])
        answer.append(steps)
    return answer


def main():
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"cycles": cycles}[request.pop("call")](**request)), flush=True)


if __name__ == "__main__":
    main()
