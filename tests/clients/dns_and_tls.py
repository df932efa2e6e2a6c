"""The part of ``test_dns_and_tls.py`` that runs in a network of its own: a server on port 443 and an npm listener.

``dns_and_tls.py DATA PROJECT NODE CA CERTIFICATE KEY`` prints what the listener said, a line each.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from clients.test_pubsub_driver import Program, publish
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

NAME = "https://sheetport.test"


class Named(SheetportServer):
    """A server that its clients know by a name."""

    def client_variables(self, environment: str = "development", token: str | None = None) -> dict[str, str]:
        address = {"FLATFILE_API_URL": NAME, "AGENT_INTERNAL_URL": NAME}
        return {**super().client_variables(environment, token), **address}


def main() -> None:
    data, project, node, authority, certificate, key = sys.argv[1:]
    options = ["--tls-cert", certificate, "--tls-key", key]
    server = Named(DataPlace("sqlite", Path(data), None), options, port=443)
    server.start()
    program = Program([node, "listen.mjs"], Path(project), server, {"NODE_EXTRA_CA_CERTS": authority})
    try:
        print(program.said(), flush=True)
        publish(server, 1)
        print(program.said(), flush=True)
        program.process.send_signal(signal.SIGSTOP)  # so that it asks again only after the next event
        server.restart()
        publish(server, 2)
        program.process.send_signal(signal.SIGCONT)
        publish(server, 3, last=True)
        for _ in range(2):
            print(program.said(), flush=True)
        program.end()
    finally:
        program.process.kill()
        server.stop()


if __name__ == "__main__":
    main()
