"""What Python and Locust's HttpUser say, for the tests of package httpuser. Reads JSON from stdin and prints JSON.

texts.py repr      [text, ...]                      -> [repr(text), ...]
texts.py json      [text, ...]                      -> [what json.loads says of it or "", ...]
texts.py requests  {case: [url, timeout in s], ...} -> {case: [status, length, repr(exception) or ""], ...}
texts.py rest      the same, by HttpUser.rest
"""

import locust.env  # first: gevent patches the standard library

import json
import sys

from locust import HttpUser


def complaint(text):
    try:
        json.loads(text)
    except ValueError as e:
        return str(e)
    return ""


def request_all(cases, rest):
    """GETs each URL as one HttpUser under the name /n."""
    results = {}

    class User(HttpUser):
        host = "http://unused.invalid"

    environment = locust.env.Environment(user_classes=[User])
    user = User(environment)
    for case, (url, timeout) in cases.items():

        def record(response, response_length, exception, case=case, **_):
            results.setdefault(case, []).append(
                [response.status_code, response_length, "" if exception is None else repr(exception)]
            )

        environment.events.request.add_listener(record)
        if rest:
            with user.rest("GET", url, name="/n", timeout=timeout):
                pass
        else:
            user.client.get(url, name="/n", timeout=timeout)
        environment.events.request.remove_listener(record)
    return {case: result for case, [result] in results.items()}


given = json.load(sys.stdin)
if sys.argv[1] == "repr":
    print(json.dumps([repr(text) for text in given]))
elif sys.argv[1] == "json":
    print(json.dumps([complaint(text) for text in given]))
else:
    print(json.dumps(request_all(given, sys.argv[1] == "rest")))
