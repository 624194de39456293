"""Hand frames to a real Locust master and print what it made of them.

stdin: the worker's id, then a frame in hex per line. The frames are sent in
order from a DEALER of that identity. The last must be a heartbeat: the master's
answer to it proves that its listener has outlived all the others.
"""

import json
import sys

from locust import User
from locust.env import Environment

import gevent
import msgpack
import zmq.green as zmq


class Alpha(User):
    pass


class Beta(User):
    pass


def replies(socket, heartbeats):
    """The types of all that the master says, up to that many heartbeats."""
    got = []
    with gevent.Timeout(20, SystemExit("the master does not answer")):
        while got.count("heartbeat") < heartbeats:
            got.append(msgpack.unpackb(socket.recv(), strict_map_key=False)[0])
    return got


def main():
    identity, *lines = sys.stdin.read().split()
    environment = Environment(user_classes=[Alpha, Beta])
    runner = environment.create_master_runner("127.0.0.1", 0)
    custom = []
    runner.register_message("my_custom", lambda environment, msg: custom.append(repr(msg.data)))
    reports = []
    environment.events.worker_report.add_listener(lambda client_id, data: reports.append(sorted(data)))
    socket = zmq.Context().socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, identity.encode())
    socket.connect(f"tcp://127.0.0.1:{runner.server.port}")
    for line in lines:
        socket.send(bytes.fromhex(line))
    sent = [msgpack.unpackb(bytes.fromhex(line), strict_map_key=False)[0] for line in lines]
    got = replies(socket, sent.count("heartbeat"))
    client = runner.clients[identity]
    result = {
        "replies": got,
        "state": client.state,
        "cpu": client.cpu_usage,
        "memory": client.memory_usage,
        "users": client.user_classes_count,
        "entries": [environment.stats.get(*key).to_dict() for key in sorted(environment.stats.entries)],
        "total": environment.stats.total.to_dict(),
        "response_times": {str(k): v for k, v in sorted(environment.stats.total.response_times.items())},
        "errors": [e.to_dict() for e in environment.stats.errors.values()],
        "exceptions": [[e["msg"], e["count"]] for e in runner.exceptions.values()],
        "logs": environment.worker_logs,
        "custom": custom,
        "reports": reports,
    }
    print(json.dumps(result))
    socket.close(linger=0)
    runner.greenlet.kill(block=False)


main()
