"""The form of a restoration: every field of `RestoreRequest` is on it, and does on the page what it does as an option."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restorae.networks import Conv, LatentUNet
from restorae.restoring.form_fields import FormField
from restorae.restoring.request import CONFLICTS, RestoreRequest
from restorae.web.restore_form import form
from tests.cli.conftest import untrained
from tests.command import run
from tests.web.conftest import Opener, TestClient, encoded, finished, noise, refused, send

FIELDS = [field for field in RestoreRequest.form_fields() if field.page != "hidden"]
SPECIAL = {"model": "small", "axes": "YXC", "precision": "bfloat16", "tile": 32}
"""Values that follow from no bounds."""
MODELS = {"samples": "draws", "error_map": "photo-denoiser", "self_ensemble": "photo-denoiser"}
"""What can do what is asked; all else is asked of `small`."""


def other_than_default(field: FormField) -> Any:
    """A value of a field that is not its default."""
    if field.name in SPECIAL:
        return SPECIAL[field.name]
    match field.kind:
        case "flag" | "path":
            return True
        case "choice":
            return next(choice for choice in field.choices if choice != field.default)
        case "integer":
            return int(field.low or 0) + 3
        case "number":
            return ((field.low or 0) + (field.high or 1)) / 2
    raise AssertionError(f"give the text field {field.name} a value in SPECIAL")


@pytest.fixture
def server(open_server: Opener, tmp_path: Path) -> TestClient:
    untrained(Conv(features=4), tmp_path / "models" / "small")
    untrained(LatentUNet(widths=(8, 8)), tmp_path / "models" / "draws")
    return open_server()


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_field_gives_on_the_page_what_it_gives_on_the_command_line(
    server: TestClient, tmp_path: Path, field: FormField
) -> None:
    value = other_than_default(field)
    model = MODELS.get(field.name, "small")
    name = "a.npy" if field.page == "arrays" or field.name == "together" else "a.png"
    content = array_file(noise(40, 56, 3)) if name == "a.npy" else encoded(noise(40, 56, 3))
    image = send(server, content, name)
    path = f"/api/images/{image['id']}"
    (tmp_path / name).write_bytes(content)
    file = tmp_path / "models" / f"{model}.safetensors"
    words: list[str | Path] = ["--model", file if file.exists() else model]
    if field.name != "model":
        words.append(f"--{field.name.replace('_', '-')}")
    if field.page == "flag":
        server.put(f"{path}/mask", json={"strokes": [{"radius": 9, "points": [[20, 20]]}]})
        (tmp_path / "mask.png").write_bytes(server.get(f"{path}/mask.png").content)
        words.append("mask.png")
    elif field.kind != "flag" and field.name != "model":
        words.append(str(value))
    answer = server.post(f"{path}/restore", json={"model": model, field.name: value})
    assert answer.status_code == 202, answer.text
    job = finished(server, answer.json())
    assert job["state"] == "done", job["error"]
    assert job["about"][field.name] == value
    result = server.get(f"{path}/restored")
    suffix = Path(job["result"]["name"]).suffix
    done = run("restore", name, *words, "--out", f"out{suffix}", cwd=tmp_path)
    assert done.status == 0, done.err
    assert result.content == (tmp_path / f"out{suffix}").read_bytes()


def array_file(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_the_form_has_every_field_and_what_excludes_each_other(server: TestClient) -> None:
    told = server.get("/api/restore-form").json()
    shown = {field["name"] for field in told["fields"]}
    hidden = {each.name for each in RestoreRequest.form_fields() if each.page == "hidden"}
    assert hidden == {"max_pixels", "keep_times", "references", "recolour", "runtime"}
    assert shown == set(RestoreRequest.names()) - {"model"} - hidden
    assert all(field["title"] and field["help"] for field in told["fields"])
    assert {tuple(pair) for pair in told["conflicts"]} == {
        pair for pair in CONFLICTS if shown.issuperset(pair)
    }


@pytest.mark.parametrize(
    "pair",
    [
        pair
        for pair in CONFLICTS
        if {field.name for field in FIELDS}.difference({"mask"}).issuperset(pair)
    ],
)
def test_what_excludes_each_other_is_refused_in_the_labels_of_the_page(
    server: TestClient, pair: tuple[str, str]
) -> None:
    by_name = {field.name: field for field in FIELDS}
    image = send(server, noise(30, 30))
    body = {name: other_than_default(by_name[name]) for name in pair}
    sentence = refused(
        server.post(f"/api/images/{image['id']}/restore", json={"model": "draws", **body}), 422
    )
    titles = {field["name"]: field["title"] for field in form()["fields"]}
    assert all(f"“{titles[name]}”" in sentence for name in pair)
    assert "--" not in sentence
