"""Many open connections of one process, each with a request whose answer is taken as bytes: it should cost little.

Run by ``subscribers.py`` as a process of its own. It reads one JSON command a line and answers one line each:

    {"open": 100, "request": "GET …"}   opens connections and sends the request on each; answers once all are sent
    {"wait": "text", "seconds": 60}     answers once each connection has got the text, with that moment on the
                                        monotonic clock, which all processes share
    {"close": true}                     closes them
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time


class Crowd:
    """The connections."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: dict[int, socket.socket] = {}
        self._poll = select.epoll()

    def open(self, count: int, request: bytes) -> None:
        for index in range(count):
            connection = socket.create_connection(("127.0.0.1", self._port))
            connection.sendall(request)
            connection.setblocking(False)
            self._open[connection.fileno()] = connection
            self._poll.register(connection, select.EPOLLIN)
            if index % 100 == 99:
                time.sleep(0.01)  # the listening socket's queue is not what is measured

    def wait(self, text: bytes, seconds: float) -> float:
        """The moment at which the last connection has got ``text``."""
        waiting, until = dict.fromkeys(self._open, b""), time.monotonic() + seconds
        while waiting:
            ready = self._poll.poll(max(0.0, until - time.monotonic()), 1_000)
            if not ready:
                sys.exit(f"{len(waiting)} connections were not answered")
            for number, _ in ready:
                got = self._open[number].recv(65_536)
                if not got:
                    sys.exit("a connection was closed")
                if number in waiting:
                    waiting[number] += got
                    if text in waiting[number]:
                        del waiting[number]
        return time.monotonic()

    def close(self) -> None:
        for connection in self._open.values():
            self._poll.unregister(connection)
            connection.close()
        self._open.clear()


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(int(sys.argv[1]))
    for line in sys.stdin:
        command = json.loads(line)
        answer = 0.0
        if "open" in command:
            crowd.open(command["open"], command["request"].encode())
        elif "wait" in command:
            answer = crowd.wait(command["wait"].encode(), command["seconds"])
        else:
            crowd.close()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
