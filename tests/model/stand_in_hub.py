"""A small hub on loopback: what `huggingface_hub` asks of the real one to create, commit, list and download."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """Repositories by name: their commits in order, each with all its files."""

    url: str = ""
    repositories: dict[str, list[dict[str, bytes]]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of everything that was asked."""
    tokens: set[str] = field(default_factory=set)
    """Authorisations that came with requests."""
    announced: dict[str, str] = field(default_factory=dict)
    """SHA-256 that is announced for a file instead of its own."""
    refuses_writing: bool = False

    def put(self, name: str, **files: bytes) -> str:
        """Add a commit with these files, `_` in their names a dot; its hash."""
        self.repositories.setdefault(name, []).append(
            {file.replace("_", "."): content for file, content in files.items()}
        )
        return self.commit(name, len(self.repositories[name]) - 1)

    def commit(self, name: str, index: int) -> str:
        """The hash of a commit."""
        return hashlib.sha1(f"{name} {index}".encode()).hexdigest()

    def index(self, name: str, revision: str) -> int | None:
        """Which commit a revision names."""
        commits = [self.commit(name, index) for index in range(len(self.repositories[name]))]
        if revision == "main":
            return len(commits) - 1
        return commits.index(revision) if revision in commits else None


@contextlib.contextmanager
def standing_in() -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

        def answer(self, content: bytes | dict, status: int = 200, **headers: str) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def words(self) -> list[str]:
            path = unquote(urlsplit(self.path).path)
            hub.requests.append((self.command, path))
            if "Authorization" in self.headers:
                hub.tokens.add(self.headers["Authorization"])
            return path.strip("/").split("/")

        def missing(self, what: str) -> None:
            self.answer({"error": what}, 404, X_Error_Code=what)

        def do_GET(self) -> None:
            words = self.words()
            if words[:2] == ["api", "models"]:
                name, revision = "/".join(words[2:4]), "/".join(words[5:]) or "main"
                if name not in hub.repositories:
                    return self.missing("RepoNotFound")
                index = hub.index(name, revision)
                if index is None:
                    return self.missing("RevisionNotFound")
                files = hub.repositories[name][index]
                return self.answer(
                    {
                        "id": name,
                        "sha": hub.commit(name, index),
                        "siblings": [self.sibling(*each) for each in files.items()],
                    }
                )
            if words[2:3] != ["resolve"]:
                return self.missing("EntryNotFound")
            name, revision, file = "/".join(words[:2]), words[3], "/".join(words[4:])
            if name not in hub.repositories:
                return self.missing("RepoNotFound")
            index = hub.index(name, revision)
            content = hub.repositories[name][index or 0].get(file)
            if index is None or content is None:
                return self.missing("EntryNotFound")
            digest = hashlib.sha256(content).hexdigest()
            return self.answer(content, X_Repo_Commit=hub.commit(name, index), ETag=f'"{digest}"')

        do_HEAD = do_GET  # noqa: N815

        def sibling(self, file: str, content: bytes) -> dict:
            header = f"blob {len(content)}\0".encode()
            told = {
                "rfilename": file,
                "size": len(content),
                "blobId": hashlib.sha1(header + content).hexdigest(),
            }
            if file in hub.announced:
                told["lfs"] = {
                    "sha256": hub.announced[file],
                    "size": len(content),
                    "pointerSize": 1,
                }
            return told

        def do_POST(self) -> None:
            words = self.words()
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)) if (
                "Content-Length" in self.headers
            ) else self.chunks()  # fmt: skip
            if hub.refuses_writing and words[1] != "validate-yaml":
                return self.answer({"error": f"not with {self.headers['Authorization']}"}, 403)
            if words == ["api", "validate-yaml"]:
                return self.answer({"errors": [], "warnings": []})
            if words == ["api", "repos", "create"]:
                told = json.loads(body)
                name = f"{told.get('organization')}/{told['name']}"
                status = 409 if name in hub.repositories else 200
                hub.repositories.setdefault(name, [{}])
                return self.answer({"url": f"{hub.url}/{name}", "id": name}, status)
            name = "/".join(words[2:4])
            if words[4] == "preupload":
                files = [
                    {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for each in json.loads(body)["files"]
                ]
                return self.answer({"files": files})
            lines = [json.loads(line) for line in body.splitlines()]
            files = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            hub.repositories[name].append(hub.repositories[name][-1] | files)
            oid = hub.commit(name, len(hub.repositories[name]) - 1)
            return self.answer(
                {"commitUrl": f"{hub.url}/{name}/commit/{oid}", "commitOid": oid, "success": True}
            )

        def chunks(self) -> bytes:
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
