"""A webhook on loopback, for tests of what alerts tell."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Web:
    """A real server on loopback that answers as it is told, and keeps what it accepted."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[dict[str, Any]] = []
        self.tries = 0
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                web.tries += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if web.status == 200:
                    web.bodies.append(json.loads(body))
                self.send_response(web.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@contextmanager
def listening() -> Iterator[Web]:
    found = Web()
    thread = Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        found.server.shutdown()
        thread.join()
        found.server.server_close()
