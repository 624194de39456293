"""What Python and Locust's HttpUser say, for the tests of package httpuser. Reads JSON from stdin and prints JSON.

texts.py json      [text, ...]                      -> [whether json.loads takes it, ...]
texts.py requests  {case: [url, timeout in s], ...} -> {case: [status, length, repr(exception) or ""], ...}
texts.py rest      the same, by HttpUser.rest
texts.py session   {"host": ..., "calls": [[case, method, path, {argument: value}], ...]}
                   -> {case: [status, length, repr(exception) or "", type, name, final URL], ...}
                   as one HttpUser; the request has a header X-Case, and method "rest_" calls that
"""

import locust.env  # first: gevent patches the standard library

import json
import sys

from locust import HttpUser


def is_json(text):
    """Whether Python takes the text."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


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


def call_all(host, calls):
    """Makes the calls in order as one HttpUser, as one user's session."""
    results = {}

    class User(HttpUser):
        pass

    User.host = host
    environment = locust.env.Environment(user_classes=[User])
    user = User(environment)

    def record(request_type, name, response, response_length, exception, **_):
        results.setdefault(case, []).append(
            [
                response.status_code,
                response_length,
                "" if exception is None else repr(exception),
                request_type,
                name,
            ]
        )

    environment.events.request.add_listener(record)
    for case, method, path, arguments in calls:
        arguments.setdefault("headers", {})["X-Case"] = case
        if "auth" in arguments:
            arguments["auth"] = tuple(arguments["auth"])
        for key, value in arguments.pop("session_headers", {}).items():
            user.client.headers[key] = value
        for key, value in arguments.pop("session_cookies", {}).items():
            user.client.cookies.set(key, value)
        group = arguments.pop("group", None)
        if arguments.pop("catch", None):
            with user.client.request(method, path, catch_response=True, **arguments) as response:
                response.request_meta["name"] = "/caught"
        elif method == "rest_":
            with user.rest_("GET", path, **arguments) as response:
                pass
        elif group:
            with user.client.rename_request(group):
                response = user.client.request(method, path, **arguments)
        else:
            response = getattr(user.client, method.lower())(path, **arguments)
        results[case][-1].append(response.url or "")  # while recording, it is the name
    return {case: result for case, [result] in results.items()}


given = json.load(sys.stdin)
if sys.argv[1] == "json":
    print(json.dumps([is_json(text) for text in given]))
elif sys.argv[1] == "session":
    print(json.dumps(call_all(given["host"], given["calls"])))
else:
    print(json.dumps(request_all(given, sys.argv[1] == "rest")))
