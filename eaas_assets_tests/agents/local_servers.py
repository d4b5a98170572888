"""Small web servers on the loopback interface for tests, over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What a server answers."""

    body: bytes | dict[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """A request that reached a server."""

    path: str
    headers: Mapping[str, str]
    body: Any


Respond = Callable[[Seen], "Reply | dict[str, Any]"]


@dataclass
class LocalServer:
    url: str
    seen: list[Seen]
    connections: list[Any]


@contextmanager
def serving(respond: Respond) -> Iterator[LocalServer]:
    """Answer every POST with what ``respond`` says, until left."""
    seen: list[Seen] = []
    connections: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            request = Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, json.loads(raw))
            seen.append(request)
            reply = respond(request)
            if isinstance(reply, dict):
                reply = Reply(reply)
            body = json.dumps(reply.body).encode() if isinstance(reply.body, dict) else reply.body
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """A client that goes away is no error here."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield LocalServer(f"http://127.0.0.1:{server.server_address[1]}", seen, connections)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
