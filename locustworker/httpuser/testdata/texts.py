"""What Python and Locust's HttpUser say, for the tests of package httpuser. Reads JSON from stdin and prints JSON.

texts.py json      [text, ...]                      -> [whether json.loads takes it, ...]
texts.py requests  {case: [url, timeout in s], ...} -> {case: [status, length, repr(exception) or ""], ...}
texts.py rest      the same, by HttpUser.rest
texts.py session   {"host": ..., "calls": [[case, method, path, {argument: value}], ...]}
                   -> {case: [status, length, repr(exception) or "", type, name, final URL], ...}
                   as one HttpUser; the request has a header X-Case, and method "rest_" calls that
texts.py hostile   {"host": ..., "cases": [[case, method, path, body or null], ...]}
                   -> {case: [status, length, SHA-1 of the body, exception's class or "", status of the next], ...}
                   each by an HttpUser of its own, which then asks for /next
texts.py targets   [path, ...] -> [request target of host + path, or "" for an error, ...]
"""

import locust.env  # first: gevent patches the standard library

import hashlib
import json
import sys

import gevent.pool
import requests
from urllib3.util.url import _encode_target

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


def meet_all(host, cases):
    """Makes each request as a user of its own, and then one for /next."""
    results = {}

    class User(HttpUser):
        pass

    User.host = host

    def meet(case, method, path, body):
        user = User(locust.env.Environment(user_classes=[User]))
        exceptions = []
        user.environment.events.request.add_listener(lambda exception, **_: exceptions.append(exception))
        headers = {"X-Case": case, "X-Client": "stock"}
        result = [0, 0, "", ""]
        try:
            response = user.client.request(
                method, path, data=body, headers=headers, timeout=30, name="/n", allow_redirects=method != "HEAD"
            )
            content = response.content or b""
            kind = "" if exceptions[0] is None else type(exceptions[0]).__name__
            result = [response.status_code, len(content), hashlib.sha1(content).hexdigest(), kind]
        except Exception as e:  # it leaves the task, and nothing is recorded
            result[3] = "raised " + type(e).__name__
        requests.get(host + "/wait", headers={**headers, "Connection": "close"}, timeout=30)
        following = user.client.get("/next", headers=headers, timeout=30, name="/n")
        results[case] = [*result, following.status_code]
        user.client.close()

    pool = gevent.pool.Pool(20)
    for case in cases:
        pool.spawn(meet, *case)
    pool.join()
    return results


def target_of(session, path):
    try:
        return _encode_target(session.prepare_request(requests.Request("GET", "http://host" + path)).path_url)
    except Exception:
        return ""


given = json.load(sys.stdin)
if sys.argv[1] == "json":
    print(json.dumps([is_json(text) for text in given]))
elif sys.argv[1] == "hostile":
    print(json.dumps(meet_all(given["host"], given["cases"])))
elif sys.argv[1] == "targets":
    session = requests.Session()
    print(json.dumps([target_of(session, path) for path in given]))
elif sys.argv[1] == "session":
    print(json.dumps(call_all(given["host"], given["calls"])))
else:
    print(json.dumps(request_all(given, sys.argv[1] == "rest")))
