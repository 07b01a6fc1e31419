"""A data set on a server of this machine that answers as the hub of Hugging Face does."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

REPOSITORY = "owner/photos"
_API = f"/api/datasets/{REPOSITORY}"
_FILE = f"/datasets/{REPOSITORY}/resolve/main/"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        if path == _API:
            self._json(200, {"id": REPOSITORY, "sha": "a" * 40})
        elif path.startswith(f"{_API}/tree/main"):
            folder = path.removeprefix(f"{_API}/tree/main").lstrip("/")
            deep = parse_qs(address.query).get("recursive") == ["true"]
            self._json(200, self._entries(f"{folder}/" if folder else "", deep=deep))
        elif path.startswith(_FILE) and (content := self.files.get(path.removeprefix(_FILE))) is not None:
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            self._send(206, content[int(first) : int(last) + 1], ETag=f'"{hash(content)}"')
        else:
            self._json(404, {"error": "Repository not found"}, **{"X-Error-Code": "RepoNotFound"})

    def _entries(self, prefix: str, *, deep: bool) -> list[dict[str, object]]:
        entries: dict[str, dict[str, object]] = {}
        for name, content in self.files.items():
            if not name.startswith(prefix):
                continue
            inner, *below = name.removeprefix(prefix).split("/")
            if below:
                entries[prefix + inner] = {"type": "directory", "oid": "c" * 40, "size": 0}
            if deep or not below:
                entries[name] = {"type": "file", "oid": f"{hash(content):040x}", "size": len(content)}
        return [{"path": path, **entry} for path, entry in sorted(entries.items())]

    def _json(self, status: int, content: object, **headers: str) -> None:
        self._send(status, json.dumps(content).encode(), **{"Content-Type": "application/json"}, **headers)

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hub(files: dict[str, bytes]) -> Iterator[str]:
    """Serve files, which may change meanwhile, and yield the address."""
    handler = type("Handler", (_Handler,), {"files": files})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
