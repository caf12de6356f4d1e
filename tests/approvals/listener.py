"""A service that takes messages over HTTP, keeps them, and can be told to fail."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Listener(ThreadingHTTPServer):
    """`answers`: the status of each next answer, 200 when none is left; HANG: it reads and keeps silent."""

    HANG = 0
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.answers: list[int] = []
        self.taken: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.latency = 0.0
        self.closing = threading.Event()

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.taken]

    def url(self, path: str = "", seconds: int = 30) -> str:
        """Return the address for NOTIFY_URLS, where an answer is waited for so long."""
        return f"json://127.0.0.1:{self.server_address[1]}{path}?rto={seconds}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Taking(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        time.sleep(self.server.latency)
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == Listener.HANG:
            self.server.closing.wait()
            return
        if status == 200:
            self.server.taken.append(content)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept in `paths`."""
