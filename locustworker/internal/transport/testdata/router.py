"""A real libzmq ROUTER for the tests: it tells what it got and sends it back.

usage: router.py [HEARTBEAT_INTERVAL_MS HEARTBEAT_TIMEOUT_MS]

Prints {"port": n}, then {"identity", "frames": [[length, sha256]...]} for each
message. A line {"to": identity, "size": n, "frames": k, "after": seconds} on
stdin sends k frames of n bytes. Ends when stdin does.
"""

import hashlib
import json
import sys
import threading
import time

import zmq

PATTERN = bytes(range(251))


def tell(**what):
    print(json.dumps(what), flush=True)


def read_orders(inbox):
    for line in sys.stdin:
        inbox.send(line.encode())
    inbox.send(b"")


def obey(router, order):
    time.sleep(order.get("after", 0))
    size = order["size"]
    frame = (PATTERN * (size // len(PATTERN) + 1))[:size]
    router.send_multipart([order["to"].encode(), *[frame] * order.get("frames", 1)])


def main():
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    if len(sys.argv) > 1:
        router.setsockopt(zmq.HEARTBEAT_IVL, int(sys.argv[1]))
        router.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(sys.argv[2]))
    tell(port=router.bind_to_random_port("tcp://127.0.0.1"))
    orders, inbox = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    orders.bind("inproc://orders")
    inbox.connect("inproc://orders")
    threading.Thread(target=read_orders, args=[inbox], daemon=True).start()
    poller = zmq.Poller()
    poller.register(router, zmq.POLLIN)
    poller.register(orders, zmq.POLLIN)
    while True:
        for sock, _ in poller.poll():
            if sock is orders:
                line = orders.recv()
                if not line:
                    return
                obey(router, json.loads(line))
                continue
            identity, *frames = router.recv_multipart()
            tell(identity=identity.decode(), frames=[[len(f), hashlib.sha256(f).hexdigest()] for f in frames])
            router.send_multipart([identity, *frames])


main()
