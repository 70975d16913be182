"""Models on a hub: pushed, fetched, pinned; and all that may be wrong there."""

from __future__ import annotations

import hashlib
import pickle
import re
from pathlib import Path

import pytest
import torch
import yaml

import restorae
from restorae.errors import BadModelFile, DataUnavailable, RestoraeError, UnknownKind, UsageError
from restorae.model import Model, find, hub, make_card, read_card
from restorae.model.hub_push import push
from restorae.networks import Conv
from restorae.restoring.log import model_digest
from tests.command import run
from tests.model.stand_in_hub import Hub, standing_in

TOKEN = "hf_aVerySecretToken"


@pytest.fixture
def server(monkeypatch, cache):
    with standing_in() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield found


@pytest.fixture
def saved(tmp_path):
    network = Conv(features=2)
    module = network.build()
    scores = {"validation": {"on": "9 | images", "restored": {"psnr": 30.5, "rmse": 0.1}}}
    card = make_card(network, module, name="mine", about="Removes <b>dust</b>.", scores=scores)
    card = card.model_copy(update={"licence": "CC0 1.0", "data": "9 scans"})
    return Model(network, module, card=card).save(tmp_path / "mine.safetensors")


def test_a_model_is_pushed_and_loaded_with_its_commit_and_checksum(server: Hub, saved, tmp_path):
    done = run("models", "push", saved, "hf://anna/prints", cwd=tmp_path)
    assert done.status == 0, done.err
    commit = server.commit("anna/prints", 1)
    digest = hashlib.sha256(saved.read_bytes()).hexdigest()
    assert done.err == f"hf://anna/prints@{commit}, SHA-256 {digest}.\n"
    assert server.repositories["anna/prints"][-1].keys() == {"model.safetensors", "README.md"}
    model = restorae.load("hf://anna/prints")
    assert model.card.source == f"hf://anna/prints@{commit}, SHA-256 {digest}"
    images = torch.rand(1, 1, 9, 9)
    assert torch.equal(model.restore(images), restorae.load(saved).restore(images))
    assert read_card(find("hf://anna/prints")).name == "mine"
    # what was sent with requests is told to nobody
    assert server.tokens == {f"Bearer {TOKEN}"}
    assert TOKEN not in done.out + done.err + repr(model.card.model_dump())


def test_the_card_on_the_hub_is_yaml_and_markdown(server: Hub, saved):
    push(saved, "hf://anna/prints")
    text = server.repositories["anna/prints"][-1]["README.md"].decode()
    header, body = re.fullmatch(r"---\n(.*?)\n---\n(.*)", text, re.DOTALL).groups()
    assert yaml.safe_load(header) == {
        "license": "cc0-1.0",
        "library_name": "restorae",
        "pipeline_tag": "image-to-image",
        "tags": ["restorae", "conv", "image-restoration"],
    }
    assert 'restorae.load("hf://anna/prints")' in body
    assert "Removes &lt;b>dust&lt;/b>." in body
    assert r"| 9 \| images | restored: psnr | 30.5 |" in body
    assert hashlib.sha256(saved.read_bytes()).hexdigest() in body


def test_a_commit_stays_what_it_was_and_needs_no_network_again(server: Hub, saved, monkeypatch):
    first = server.put("anna/prints", model_safetensors=saved.read_bytes())
    restorae.load("hf://anna/prints")
    server.put("anna/prints", model_safetensors=b"newer")
    # a log names the weights that were used
    assert model_digest("hf://anna/prints") == hashlib.sha256(saved.read_bytes()).hexdigest()
    with pytest.raises(BadModelFile):
        restorae.load("hf://anna/prints")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    kept = restorae.load(f"hf://anna/prints@{first}")
    assert kept.card.name == "mine"
    with pytest.raises(DataUnavailable, match="cannot be reached"):
        restorae.load("hf://anna/prints")
    # a file in the cache that changed is not opened
    file = find(f"hf://anna/prints@{first}").resolve()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(BadModelFile, match="changed since it was downloaded"):
        restorae.load(f"hf://anna/prints@{first}")


def test_a_file_that_is_not_the_announced_one_is_refused(server: Hub, saved):
    server.put("anna/prints", model_safetensors=saved.read_bytes())
    server.announced["model.safetensors"] = "0" * 64
    with pytest.raises(BadModelFile, match="not the one that the hub announced"):
        restorae.load("hf://anna/prints")


@pytest.mark.parametrize(
    ("address", "error", "told"),
    [
        ("hf://anna/none", UnknownKind, "no such repository"),
        ("hf://anna/pickled@none", UnknownKind, "no such revision"),
        ("hf://anna/pickled", BadModelFile, r"only as pytorch.model.bin, which could run code"),
        ("hf://anna/texts", BadModelFile, "no .safetensors file"),
        ("hf://anna/many", BadModelFile, "2 files of weights"),
        ("hf://anna/foreign", BadModelFile, "cannot be read"),
        ("hf://anna", UsageError, "hf://OWNER/NAME"),
        ("hf://../prints", UsageError, "hf://OWNER/NAME"),
    ],
)
def test_what_cannot_be_loaded_is_said_and_nothing_else_is_downloaded(server, address, error, told):
    class Harmful:
        def __reduce__(self):
            return (Path.touch, (Path("run"),))

    server.put("anna/pickled", pytorch_model_bin=pickle.dumps(Harmful()), modeling_py=b"")
    server.put("anna/texts", README_md=b"")
    server.put("anna/many", a_safetensors=b"", b_safetensors=b"")
    server.put("anna/foreign", model_safetensors=pickle.dumps(Harmful()), code_py=b"raise")
    with pytest.raises(error, match=told) as refused:
        restorae.load(address)
    assert TOKEN not in str(refused.value)
    taken = {path.rpartition("/")[2] for _, path in server.requests if "/resolve/" in path}
    assert taken <= {"model.safetensors"}


def test_what_the_hub_refuses_is_said_without_the_token(server: Hub, saved, tmp_path):
    server.refuses_writing = True
    done = run("models", "push", saved, "hf://anna/prints", cwd=tmp_path)
    assert done.status == 1
    assert "log in with `hf auth login`" in done.complaint
    assert TOKEN not in done.out + done.err
    with pytest.raises(UsageError, match="a commit never changes"):
        push(saved, f"hf://anna/prints@{'0' * 40}")
    with pytest.raises(RestoraeError):
        push(tmp_path / "absent.safetensors", "hf://anna/prints")
    assert hub.is_address("hf://anna/prints")
    assert not hub.is_address(Path("hf/anna"))
