"""Models on the Hugging Face Hub, `hf://owner/name[@revision]`: fetched as files, never as code."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from restorae.display import counted
from restorae.errors import BadModelFile, UsageError
from restorae.files import file_digest, write_text
from restorae.model.hub_errors import import_hub, in_words_of_hub
from restorae.version import VERSION

PREFIX = "hf://"
FILE = "model.safetensors"
"""Name under which models are pushed."""
_ADDRESS = re.compile(r"hf://(?P<name>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>[\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SUFFIX = ".safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".h5", ".keras")


@dataclass(frozen=True)
class HubAddress:
    """A repository of models, and which version of it."""

    name: str
    """`owner/name`."""
    revision: str = "main"
    """A branch, a tag or a commit."""

    @classmethod
    def parse(cls, text: str) -> HubAddress:
        """The address that a text is.

        Raises:
            UsageError: it is none.

        >>> HubAddress.parse("hf://anna/prints@v2")
        HubAddress(name='anna/prints', revision='v2')
        """
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise UsageError("expected hf://OWNER/NAME or hf://OWNER/NAME@REVISION", subject=text)
        return cls(found["name"], found["revision"] or "main")

    @property
    def is_pinned(self) -> bool:
        """Whether it names a commit, which never changes."""
        return _COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        return f"{PREFIX}{self.name}@{self.revision}"


def is_address(name: str | os.PathLike[str]) -> bool:
    """Whether a model's name is an address on the hub."""
    return isinstance(name, str) and name.startswith(PREFIX)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A model file of a repository, on this machine."""

    path: Path
    address: HubAddress
    """With the commit as revision."""
    sha256: str
    """Digest of the file."""

    def __str__(self) -> str:
        return f"{self.address}, SHA-256 {self.sha256}"


_fetched: dict[str, Fetched] = {}
"""What each address meant when it was fetched last."""


def fetched(text: str) -> Fetched:
    """What `fetch` gave for an address in this process, so that logs name the weights that were used; else what it gives now."""
    known = _fetched.get(text)
    return known if known is not None and known.path.is_file() else fetch(text)


def fetch(text: str) -> Fetched:
    """The model file at an address: downloaded once for each commit, and its checksum compared each time.

    A pinned address, with a commit of 40 digits, that was fetched before needs no network.

    Raises:
        UsageError: no address.
        UnknownKind: there is no such repository or revision, or it is private.
        BadModelFile: it holds no model file of restorae's kind, or the file is not what was downloaded or announced.
        DataUnavailable: the hub cannot be reached.
        MissingExtra: `huggingface_hub` is not installed.
    """
    address = HubAddress.parse(text)
    hub = import_hub()
    if address.is_pinned and (known := _record_of(address)).is_file():
        with contextlib.suppress(OSError, ValueError, KeyError):
            record = json.loads(known.read_text(encoding="utf-8"))
            path = Path(_cache(), record["path"])
            found = Fetched(path=path, address=address, sha256=file_digest(path))
            _require_recorded(found, record["sha256"])
            _fetched[text] = found
            return found
    with in_words_of_hub(address):
        api = hub.HfApi(endpoint=endpoint(), library_name="restorae", library_version=VERSION)
        told = api.model_info(address.name, revision=address.revision, files_metadata=True)
        chosen = _model_file(told.siblings or [], address)
        pinned = HubAddress(address.name, told.sha or "")
        if not pinned.is_pinned:
            raise ValueError("the answer names no commit")
        path = Path(
            hub.hf_hub_download(
                address.name, chosen.rfilename, revision=pinned.revision, cache_dir=_cache(), endpoint=endpoint()
            )
        )  # fmt: skip
    found = Fetched(path=path, address=pinned, sha256=file_digest(path))
    _require_announced(found, chosen)
    record_path = _record_of(pinned)
    if record_path.is_file():
        _require_recorded(found, json.loads(record_path.read_text(encoding="utf-8"))["sha256"])
    else:
        record = {"path": os.path.relpath(path, _cache()), "sha256": found.sha256}
        write_text(record_path, json.dumps(record, indent=2))
    _fetched[text] = found
    return found


def _model_file(siblings: list[Any], address: HubAddress) -> Any:
    """The one file of weights; nothing else of a repository is ever downloaded."""
    found = [each for each in siblings if each.rfilename.endswith(_SUFFIX)]
    named = [each for each in found if each.rfilename == FILE]
    if len(found) == 1 or named:
        return (named or found)[0]
    if found:
        raise BadModelFile(
            f"holds {counted(len(found), 'file')} of weights, and none is called {FILE}", subject=str(address)
        )  # fmt: skip
    pickled = sorted(each.rfilename for each in siblings if each.rfilename.endswith(_PICKLES))
    if pickled:
        raise BadModelFile(
            f"holds weights only as {pickled[0]}, which could run code and is never opened. Expected a .safetensors file "
            "that restorae wrote",
            subject=str(address),
        )
    raise BadModelFile("holds no .safetensors file", subject=str(address))


def _require_announced(fetched_file: Fetched, sibling: Any) -> None:
    """Compare a file with the digest that the hub announced: SHA-256 of large files, Git's of small ones."""
    if sibling.lfs is not None:
        announced, found = sibling.lfs.sha256, fetched_file.sha256
    else:
        content = fetched_file.path.read_bytes()
        header = f"blob {len(content)}\0".encode()
        announced = sibling.blob_id
        found = hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
    if announced is not None and announced != found:
        fetched_file.path.resolve().unlink(missing_ok=True)
        raise BadModelFile(
            "the file that arrived is not the one that the hub announced (other checksum)",
            subject=str(fetched_file.address),
        )


def _require_recorded(fetched_file: Fetched, sha256: str) -> None:
    """Compare a file with the digest that it had when it was downloaded."""
    if fetched_file.sha256 != sha256:
        raise BadModelFile(
            f"{fetched_file.path} has changed since it was downloaded (other checksum). Remove it to download it anew",
            subject=str(fetched_file.address),
        )


def _record_of(address: HubAddress) -> Path:
    """The file that holds path and checksum of what a commit holds."""
    name = f"{address.name.replace('/', '--')}@{address.revision}.json"
    return Path(_cache(), "checksums", name)


def _cache() -> Path:
    return Path(platformdirs.user_cache_dir("restorae"), "hub")


def endpoint() -> str | None:
    """Address of the hub, where the environment names another; the library reads it once, when it is imported."""
    return os.environ.get("HF_ENDPOINT") or None
