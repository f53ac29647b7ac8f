"""A real nginx on a free port of this machine, serving a folder: ETag, gzip, ranges, and 429 when asked too fast."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

CONFIG = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    types {{ text/html html; application/pdf pdf; }}
    gzip on; gzip_min_length 200; gzip_types application/pdf;
    keepalive_requests 100000;
    limit_req_zone $host zone=slow:1m rate=10r/s;
    server {{
        listen 127.0.0.1:{port} backlog=512; server_name _; root {folder}/www; etag on;
        add_header X-Connection $connection;
        location /slow/ {{ limit_req zone=slow; limit_req_status 429; error_page 429 = @later; }}
        location @later {{ add_header Retry-After 1 always; return 429; }}
    }}
}}
"""


def installed() -> bool:
    return shutil.which("nginx") is not None


class Nginx:
    """Running between `with` and its end; `port` is where."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.www = folder, folder / "www"
        self.www.mkdir(parents=True)

    def __enter__(self) -> Self:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = self.folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=self.folder, port=self.port))
        self._process = subprocess.Popen(
            [shutil.which("nginx"), "-c", config, "-p", self.folder], stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        raise AssertionError("nginx did not start: " + (self.folder / "error.log").read_text())

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def resolve(self, *_: object) -> list[tuple[str, int]]:
        return [("127.0.0.1", self.port)]
