"""Run the plug-in: print the port on stdout and serve until the engine ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent import futures

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2_grpc

from .server import DockerProvider
from .waiting import Waiter

_WORKERS = 64
_MAX_MESSAGE_BYTES = 400 * 1024 * 1024
_QUEUE_SECONDS = 30 * 60
_PARENT_CHECK_SECONDS = 1.0
_GRACE_SECONDS = 4.0

_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.server_max_unrequested_time_in_server", _QUEUE_SECONDS),
]


def main() -> int:
    """Serve one engine; ends on SIGINT or SIGTERM, or when the process that started it is gone.

    Arguments (the engine's address, logging flags) are accepted and not needed.
    """
    ended = threading.Event()
    # The engine ends a plug-in by SIGINT, and kills it when it's still there after five seconds.
    # A person's Ctrl-C doesn't come here: plug-ins have process groups of their own.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    parent = os.getppid()

    waiter = Waiter()
    server = grpc.server(futures.ThreadPoolExecutor(_WORKERS), options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(DockerProvider(waiter), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)

    while not ended.wait(_PARENT_CHECK_SECONDS) and os.getppid() == parent:
        pass
    waiter.cancel()
    server.stop(_GRACE_SECONDS).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
