"""Pushing a model to the Hugging Face Hub: the file and its card, as one commit."""

from __future__ import annotations

from pathlib import Path

from restorae.errors import UsageError
from restorae.files import file_digest
from restorae.model.files import find, read_card
from restorae.model.hub import FILE, Fetched, HubAddress, endpoint
from restorae.model.hub_card import hub_card
from restorae.model.hub_errors import import_hub, in_words_of_hub
from restorae.model.saving import SUFFIX
from restorae.version import VERSION


def push(model: str | Path, text: str, *, private: bool = False) -> Fetched:
    """Put a model file and its card into a repository, which is made where there is none, as one commit.

    Args:
        model: a bundled model's name, or a model file.
        text: the address, without a revision or with a branch.
        private: make a new repository private.

    Raises:
        UsageError: no address, or one of a commit; no model file.
        BadModelFile: not a model file of restorae.
        OutputError: the hub refused it; the message never holds a token.
        DataUnavailable, MissingExtra: as `fetch`.
    """
    address = HubAddress.parse(text)
    if address.is_pinned:
        raise UsageError("a commit never changes. Push to a branch, or leave the revision out", subject=text)  # fmt: skip
    path = find(model)
    if path.suffix != SUFFIX:
        raise UsageError("expected a model file (.safetensors)", subject=path)
    card, sha256 = read_card(path), file_digest(path)
    hub = import_hub()
    with in_words_of_hub(address, writing=True):
        api = hub.HfApi(endpoint=endpoint(), library_name="restorae", library_version=VERSION)
        readme = hub_card(card, address.name, sha256=sha256).encode()
        api.create_repo(address.name, private=private, exist_ok=True)
        done = api.create_commit(
            address.name,
            [
                hub.CommitOperationAdd(path_in_repo=FILE, path_or_fileobj=str(path)),
                hub.CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=readme),
            ],
            commit_message=f"Model of restorae {VERSION}",
            revision=address.revision,
        )
    return Fetched(path=path, address=HubAddress(address.name, done.oid), sha256=sha256)
