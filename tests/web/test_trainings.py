"""Training through the API: a process of its own, watched, stopped, resumed, and a model in the end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

import restorae
from restorae.data import open_images
from restorae.web import Limits
from tests.command import run_apart
from tests.web.conftest import Opener, TestClient, decoded, encoded, finished, noise, refused

SETTINGS: dict[str, Any] = {
    "name": "mine",
    "way": "damage",
    "clean": "digits",
    "degradation": "gaussian-noise(sigma=0.3)",
    "network": "unet(widths=[8,16])",
    "batch_size": 16,
    "learning_rate": 0.01,
}


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder with two sets that belong together, hidden things and an array."""
    for name in ("data/scans/damaged", "data/scans/clean", "data/.hidden", "data/empty"):
        (tmp_path / name).mkdir(parents=True)
    for index in range(3):
        for name in ("scans/damaged", "scans/clean", ".hidden"):
            Image.fromarray(noise(40, 50, seed=index)).save(
                tmp_path / "data" / name / f"{index}.png"
            )
    np.save(tmp_path / "data" / "stack.npy", noise(3, 40, 50))
    return tmp_path / "data"


@pytest.fixture
def trainer(open_server: Opener, folders: Path) -> TestClient:
    return open_server(data=folders)


def test_what_may_be_trained_on_are_the_folders_that_were_named(trainer: TestClient) -> None:
    told = trainer.get("/api/data").json()
    names = [each["name"] for each in told["sets"]]
    assert names == [
        "digits",
        "data",
        "data/scans",
        "data/stack.npy",
        "data/scans/clean",
        "data/scans/damaged",
    ]
    assert "unet" in told["networks"]
    assert {"l1", "mse", "psnr"} <= set(told["losses"]["clean"])
    assert told["losses"]["noisy"] == ["blind-spot", "neighbours"]
    assert told["unfinished"] == []


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"loss": "blind-spot"}, "learns from noisy images alone"),
        ({"loss": "mean"}, "There is no loss"),
        ({"patience": 0}, "patience"),
        ({"clean": "/etc"}, "There is no data set '/etc'"),
        ({"clean": "data/../.."}, "There is no data set"),
        ({"name": "../outside"}, "cannot be called"),
        ({"name": "digits-vae"}, "cannot be called"),
        ({"degradation": None}, "needs a damage"),
        ({"degradation": "gaussian-noise(sigma=-1)"}, "is below 0"),
        ({"network": "mine.py:Mine"}, "cannot be read"),
        ({"network": "conv-net"}, "There is no network"),
        ({"way": "pairs"}, "needs degraded images"),
        ({"way": "noisy"}, "needs noisy images"),
        ({"minutes": 1e9}, "at most 1440 minutes"),
        ({"minutes": 1, "steps": 5}, "only one of"),
        ({"start_from": "../x", "network": None}, "There is no model"),
        ({"resume": True}, "resume"),
    ],
)
def test_an_impossible_training_is_refused_at_once(
    trainer: TestClient, settings: dict[str, Any], hint: str
) -> None:
    answer = trainer.post("/api/trainings", json={**SETTINGS, **settings})
    assert hint in refused(answer, 422)
    assert trainer.get("/api/jobs").json()["jobs"] == []
    assert trainer.get("/api/about").json()["stored"] == 0


def test_examples_show_what_will_be_learned_before_it_begins(trainer: TestClient) -> None:
    def asked(**settings: Any) -> tuple[str, np.ndarray]:
        answer = trainer.post("/api/trainings/examples.png", json={"name": "x", **settings})
        assert answer.status_code == 200, answer.text
        return unquote(answer.headers["x-said"]), decoded(answer.content)

    pairs = {"way": "pairs", "clean": "data/scans/clean", "degraded": "data/scans/damaged"}
    said, sheet = asked(**pairs)
    assert said.startswith("3 pairs found")
    damaged, clean = np.split(sheet, 2)
    assert np.array_equal(damaged, clean)  # both folders hold the same images
    assert len(np.unique(clean.reshape(-1, 3), axis=0)) > 100
    said, sheet = asked(way="damage", clean="digits", degradation="gaussian-noise(sigma=0.3)")
    damaged, clean = np.split(sheet.astype(int), 2)
    assert abs(damaged - clean).mean() > 5
    assert sheet.shape == (320, 480, 3)
    assert asked(way="noisy", noisy="data/scans")[0] == "6 noisy images found."
    wrong = {"name": "x", **pairs, "clean": "digits"}
    assert "Different sizes" in refused(
        trainer.post("/api/trainings/examples.png", json=wrong), 422
    )


def test_folders_that_were_dropped_are_trained_on_as_pairs(trainer: TestClient) -> None:
    for folder in ("box/bad", "box/good"):
        for index in range(3):
            answer = trainer.post(
                "/api/images",
                params={"name": f"../aunt {index}.png", "folder": folder},
                content=encoded(noise(40, 50, seed=index)),
            )
            assert answer.status_code == 201
    names = [each["name"] for each in trainer.get("/api/data").json()["sets"]]
    assert names[-2:] == ["dropped here/box/bad", "dropped here/box/good"]
    settings = {"name": "own", "way": "pairs", "degraded": names[-2], "clean": names[-1]}
    answer = trainer.post("/api/trainings/examples.png", json=settings)
    assert unquote(answer.headers["x-said"]).startswith("3 pairs found")
    for image in trainer.get("/api/images").json():
        trainer.delete(f"/api/images/{image['id']}")
    assert "no data set" in refused(trainer.post("/api/trainings/examples.png", json=settings), 422)


def test_there_is_nothing_to_resume_where_nothing_was_begun(trainer: TestClient) -> None:
    assert "nothing to resume" in refused(trainer.post("/api/trainings/mine/resume"), 422)


@pytest.mark.slow
def test_a_training_is_watched_and_its_model_listed(trainer: TestClient, tmp_path: Path) -> None:
    settings = {**SETTINGS, "loss": "charbonnier", "keep": "best", "patience": 9, "steps": 120}
    job = trainer.post("/api/trainings", json=settings).json()
    found = finished(trainer, job, 180)
    assert found["state"] == "done", found["error"]
    about = found["about"]
    assert found["count"] == found["total"] == 120
    assert len(about["losses"]) > 5
    assert about["losses"][-1][1] < about["losses"][0][1]
    assert about["looks"][-1]["mse"] < about["looks"][-1]["mse_degraded"]
    sheet = decoded(trainer.get(f"/api/jobs/{job['id']}/looks/{len(about['looks'])}.png").content)
    assert sheet.shape == (3 * 28, 6 * 28)
    refused(trainer.get(f"/api/jobs/{job['id']}/looks/99.png"), 404)
    listed = {model["name"]: model for model in trainer.get("/api/models").json()}
    assert listed["mine"]["origin"] == "folder"
    assert listed["mine"]["undoes"] == "gaussian-noise(sigma=0.3)"
    # the same as from the command line, bit for bit; in a process of its own there too, with as many threads
    renamed = {"degradation": "with", "learning_rate": "learning-rate", "batch_size": "batch-size"}
    flags = [
        f"--{renamed.get(key, key)}={value}"
        for key, value in settings.items()
        if key not in ("way", "name")
    ]
    done = run_apart("train", *flags, "--out", "again", cwd=tmp_path)
    assert done.status == 0, done.err
    digits = open_images("digits", "test").batch(range(4))
    one, other = (
        restorae.load(tmp_path / f"{name}.safetensors").restore_images(digits)
        for name in ("models/mine", "again")
    )
    assert np.array_equal(one.numpy(), other.numpy())
    assert "already" in refused(trainer.post("/api/trainings", json={**SETTINGS, "steps": 5}), 422)


@pytest.mark.slow
def test_a_training_is_stopped_and_resumed(trainer: TestClient, tmp_path: Path) -> None:
    job = trainer.post("/api/trainings", json={**SETTINGS, "steps": 100_000}).json()
    until = time.monotonic() + 120
    while trainer.get(f"/api/jobs/{job['id']}").json()["count"] == 0:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "is being trained already" in refused(trainer.post("/api/trainings", json=SETTINGS), 409)
    trainer.post(f"/api/jobs/{job['id']}/stop")
    stopped = finished(trainer, job, 120)
    assert stopped["state"] == "stopped"
    assert "a checkpoint was kept" in stopped["error"]
    assert stopped["about"]["resumable"]
    assert [each["name"] for each in trainer.get("/api/data").json()["unfinished"]] == ["mine"]
    resumed = trainer.post("/api/trainings/mine/resume").json()
    until = time.monotonic() + 120
    while trainer.get(f"/api/jobs/{resumed['id']}").json()["count"] <= stopped["count"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    trainer.post(f"/api/jobs/{resumed['id']}/stop")
    assert finished(trainer, resumed, 120)["count"] > stopped["count"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["pairs", "noisy"])
def test_the_other_two_ways(trainer: TestClient, folders: Path, way: str) -> None:
    rng = np.random.default_rng(0)
    for index in range(3):
        smooth = np.repeat(np.repeat(rng.uniform(60, 190, (5, 6)), 10, 0), 10, 1)[:40, :50]
        Image.fromarray(smooth.astype(np.uint8)).save(folders / "scans" / "clean" / f"{index}.png")
        Image.fromarray(
            (smooth + rng.normal(0, 20, smooth.shape)).clip(0, 255).astype(np.uint8)
        ).save(folders / f"scans/damaged/{index}.png")
    data = (
        {"degraded": "data/scans/damaged", "clean": "data/scans/clean"}
        if way == "pairs"
        else {"noisy": "data/scans/damaged"}
    )
    settings = {
        "name": way,
        "way": way,
        "network": "unet(widths=[8,16])",
        "patch": 32,
        "batch_size": 4,
        "steps": 60,
        **data,
    }
    found = finished(trainer, trainer.post("/api/trainings", json=settings).json(), 180)
    assert found["state"] == "done", found["error"]
    assert way in {model["name"] for model in trainer.get("/api/models").json()}
    assert found["about"]["way"] == way


@pytest.mark.slow
def test_what_goes_wrong_in_a_training_is_reported(open_server: Opener, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "broken.png").write_bytes(b"hello")
    server = open_server(Limits(), data=tmp_path / "data")
    found = finished(
        server,
        server.post("/api/trainings", json={**SETTINGS, "clean": "data", "steps": 5}).json(),
        120,
    )
    assert found["state"] == "failed"
    assert "broken.png" in found["error"]
    assert str(tmp_path) not in found["error"]
