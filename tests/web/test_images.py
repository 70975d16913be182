"""Images through the API: what comes back is what the command line gives, and nothing else comes in."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorae.networks import Conv, LatentUNet
from restorae.web import Limits
from tests.cli.conftest import untrained
from tests.cli.test_bad_images import BROKEN
from tests.command import run
from tests.web.conftest import (
    AS_IT_IS,
    Opener,
    TestClient,
    decoded,
    encoded,
    finished,
    noise,
    refused,
    send,
)


@pytest.fixture
def with_model(open_server: Opener, tmp_path: Path) -> TestClient:
    """A server with a small network in its folder, called `small`."""
    untrained(Conv(features=4), tmp_path / "models" / "small")
    untrained(LatentUNet(widths=(8, 8)), tmp_path / "models" / "draws")
    return open_server()


def test_an_uploaded_image_is_described_and_shown(server: TestClient) -> None:
    pixels = noise(600, 700, 3)
    told = send(server, pixels, "aunt.png")
    assert (told["name"], told["kind"], told["height"], told["width"], told["dtype"]) == (
        "aunt.png",
        "png",
        600,
        700,
        "uint8",
    )
    assert told["levels"] == [[600, 700], [300, 350]]
    tile = server.get(f"/api/images/{told['id']}/layers/before/0/1/1.png")
    assert tile.headers["content-type"] == "image/png"
    assert np.array_equal(decoded(tile.content), pixels[512:, 512:])
    assert server.get("/api/images").json() == [told]
    assert server.delete(f"/api/images/{told['id']}").status_code == 204
    assert server.get("/api/about").json()["stored"] == 0
    refused(server.get(f"/api/images/{told['id']}"), 404)


IMAGES = {
    "grey.png": lambda: encoded(noise(60, 70)),
    "colour.jpg": lambda: encoded(noise(60, 70, 3), "jpeg", quality=90),
    "deep.png": lambda: encoded(noise(60, 70).astype(np.uint16) * 257),
    "see-through.png": lambda: encoded(noise(60, 70, 4)),
    "scan.tif": lambda: encoded(noise(60, 70, 3), "tiff", compression="tiff_lzw", dpi=(300, 300)),
    "web.webp": lambda: encoded(noise(60, 70, 3), "webp", quality=80),
    "numbers.npy": lambda: _npy(noise(60, 70).astype(np.float32) / 255),
}


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("name", IMAGES)
def test_the_result_is_that_of_the_command_line_byte_for_byte(
    with_model: TestClient, tmp_path: Path, name: str
) -> None:
    content = IMAGES[name]()
    image = send(with_model, content, name)
    job = with_model.post(
        f"/api/images/{image['id']}/restore", json={"model": "small", "strength": 0.7}
    )
    assert job.status_code == 202, job.text
    assert finished(with_model, job.json())["state"] == "done"
    result = with_model.get(f"/api/images/{image['id']}/restored")
    source = tmp_path / name
    source.write_bytes(content)
    model = tmp_path / "models" / "small.safetensors"
    done = run(
        "restore",
        source,
        "--model",
        model,
        "--strength",
        "0.7",
        "--out",
        tmp_path / f"out{source.suffix}",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert result.content == (tmp_path / f"out{source.suffix}").read_bytes()
    stem = Path(name).stem
    assert f'filename="{stem}-restored{source.suffix}"' in result.headers["content-disposition"]
    assert with_model.get(f"/api/images/{image['id']}").json()["layers"] == ["before", "after"]


def print_page() -> np.ndarray:
    """A page of print: dark strokes on bright paper."""
    page = np.full((512, 512), 235, np.uint8)
    page[::8, 40:470] = 20
    return page


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (noise(96, 80, 3), "photo-denoiser"),
        (print_page(), "page-cleaner"),
        (noise(28, 28), "digits-denoiser"),
    ],
)
def test_without_a_model_each_image_gets_its_own_as_on_the_command_line(
    server: TestClient, tmp_path: Path, pixels: np.ndarray, expected: str
) -> None:
    image = send(server, pixels)
    assert image["automatic"]["whole"]["name"] == expected
    assert image["automatic"]["whole"]["reason"]
    path = f"/api/images/{image['id']}"
    job = finished(server, server.post(f"{path}/restore", json={}).json())
    assert (job["state"], job["about"]["model"]) == ("done", expected)
    (tmp_path / "a.png").write_bytes(encoded(pixels))
    done = run("restore", "a.png", "--out", "out.png", cwd=tmp_path)
    assert done.status == 0, done.err
    assert server.get(f"{path}/restored").content == (tmp_path / "out.png").read_bytes()
    preview = decoded(server.post(f"{path}/preview.png", json={}).content)
    assert np.array_equal(
        preview, decoded(server.post(f"{path}/preview.png", json={"model": expected}).content)
    )


def test_where_a_mask_is_painted_it_is_filled(server: TestClient) -> None:
    image = send(server, noise(40, 40))
    path = f"/api/images/{image['id']}"
    server.put(f"{path}/mask", json={"strokes": [{"radius": 4, "points": [[20, 20]]}]})
    job = server.post(f"{path}/restore", json={"mask": True}).json()
    assert job["about"]["model"] == image["automatic"]["masked"]["name"] == "classical:inpaint"
    assert finished(server, job)["state"] == "done"


def test_a_painted_mask_is_the_one_of_the_command_line(
    with_model: TestClient, tmp_path: Path
) -> None:
    image = send(with_model, noise(80, 90, 3))
    strokes = [
        {"radius": 12, "points": [[20, 20], [70, 60]]},
        {"radius": 5, "points": [[40, 40]], "erase": True},
    ]
    painted = with_model.put(f"/api/images/{image['id']}/mask", json={"strokes": strokes}).json()
    assert painted["mask"]
    assert len(painted["strokes"]) == 2
    job = with_model.post(
        f"/api/images/{image['id']}/restore", json={"model": "small", "mask": True}
    ).json()
    assert finished(with_model, job)["state"] == "done"
    (tmp_path / "a.png").write_bytes(encoded(noise(80, 90, 3)))
    (tmp_path / "mask.png").write_bytes(
        with_model.get(f"/api/images/{image['id']}/mask.png").content
    )
    words = (
        "--model",
        tmp_path / "models" / "small.safetensors",
        "--mask",
        "mask.png",
        "--out",
        "out.png",
    )
    assert run("restore", "a.png", *words, cwd=tmp_path).status == 0
    result = with_model.get(f"/api/images/{image['id']}/restored").content
    assert result == (tmp_path / "out.png").read_bytes()
    outside = decoded((tmp_path / "mask.png").read_bytes()) == 0
    assert np.array_equal(decoded(result)[outside], noise(80, 90, 3)[outside])
    none = with_model.put(f"/api/images/{image['id']}/mask", json={"strokes": []}).json()
    assert not none["mask"]


def test_a_mask_can_be_sent_and_must_fit(server: TestClient) -> None:
    image = send(server, noise(20, 30))
    path = f"/api/images/{image['id']}/mask"
    assert "The mask is 10 × 10 pixels" in refused(
        server.post(path, content=encoded(noise(10, 10))), 422
    )
    assert server.post(path, content=encoded(noise(20, 30, seed=1))).json()["mask"]
    assert np.array_equal(decoded(server.get(f"{path}.png").content), noise(20, 30, seed=1))
    refused(server.post(path, content=b"no image"), 415)


def test_several_restorations_are_drawn_and_their_spread_is_a_layer(with_model: TestClient) -> None:
    image = send(with_model, noise(32, 40))
    job = with_model.post(
        f"/api/images/{image['id']}/restore", json={"model": "draws", "samples": 3}
    ).json()
    assert finished(with_model, job)["result"]["layers"] == ["before", "after", "spread"]
    tile = with_model.get(f"/api/images/{image['id']}/layers/spread/0/0/0.png")
    assert decoded(tile.content).any()
    sentence = refused(
        with_model.post(
            f"/api/images/{image['id']}/restore", json={"model": "small", "samples": 3}
        ),
        422,
    )
    assert "one result" in sentence


def test_how_far_off_a_result_may_be_is_a_layer_as_the_command_line_writes_it(
    server: TestClient, tmp_path: Path
) -> None:
    pixels = noise(40, 56)
    image = send(server, pixels)
    wish = {"model": "photo-denoiser", "error_map": True}
    for _ in range(2):  # what a second result replaces is removed
        job = server.post(f"/api/images/{image['id']}/restore", json=wish).json()
        assert finished(server, job)["result"]["layers"] == ["before", "after", "error"]
    tile = decoded(server.get(f"/api/images/{image['id']}/layers/error/0/0/0.png").content)
    (tmp_path / "noisy.png").write_bytes(encoded(pixels))
    done = run(
        "restore",
        "noisy.png",
        "--model",
        "photo-denoiser",
        "--error-map",
        "--out",
        "restored.png",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert np.array_equal(tile, decoded((tmp_path / "restored-error.png").read_bytes()))
    assert len(list((tmp_path / "kept").rglob("*-error.png"))) == 1


def test_several_views_are_averaged_as_the_command_line_does(
    server: TestClient, tmp_path: Path
) -> None:
    pixels = noise(40, 56)
    image = send(server, pixels)
    path = f"/api/images/{image['id']}"
    job = server.post(
        f"{path}/restore", json={"model": "photo-denoiser", "self_ensemble": 4}
    ).json()
    assert finished(server, job)["about"]["self_ensemble"] == 4
    (tmp_path / "noisy.png").write_bytes(encoded(pixels))
    done = run(
        "restore",
        "noisy.png",
        "--model",
        "photo-denoiser",
        "--self-ensemble",
        "4",
        "--out",
        "restored.png",
        cwd=tmp_path,
    )
    assert done.status == 0, done.err
    assert np.array_equal(
        decoded(server.get(f"{path}/restored").content),
        decoded((tmp_path / "restored.png").read_bytes()),
    )
    refused(
        server.post(f"{path}/restore", json={"model": "photo-denoiser", "self_ensemble": 3}), 422
    )
    assert "is not a network" in refused(
        server.post(f"{path}/restore", json={"model": "classical:nlm", "self_ensemble": 2}), 422
    )
    told = {model["name"]: model["takes_views"] for model in server.get("/api/models").json()}
    assert (told["photo-denoiser"], told["digits-denoiser"], told["classical:nlm"]) == (
        True,
        False,
        False,
    )


def test_error_bounds_are_reported_only_for_calibrated_models(with_model: TestClient) -> None:
    image = send(with_model, noise(30, 30))
    path = f"/api/images/{image['id']}/restore"
    assert "no calibrated error bounds" in refused(
        with_model.post(path, json={"model": "classical:nlm", "error_map": True}), 422
    )
    half = {"model": "photo-denoiser", "error_map": True, "strength": 0.5}
    assert "“Error map” cannot be combined with “Strength”" in refused(
        with_model.post(path, json=half), 422
    )
    told = {model["name"]: model["tells_bounds"] for model in with_model.get("/api/models").json()}
    assert told["photo-denoiser"]
    assert not told["classical:nlm"]


def test_a_preview_of_a_small_image_is_its_restoration(with_model: TestClient) -> None:
    image = send(with_model, noise(60, 70))
    shown = with_model.post(f"/api/images/{image['id']}/preview.png", json={"model": "small"})
    job = with_model.post(f"/api/images/{image['id']}/restore", json={"model": "small"}).json()
    finished(with_model, job)
    result = with_model.get(f"/api/images/{image['id']}/restored")
    assert np.abs(decoded(shown.content).astype(int) - decoded(result.content)).max() <= 1


def test_results_stay_to_be_compared_and_the_same_settings_replace_theirs(
    with_model: TestClient,
) -> None:
    image = send(with_model, noise(60, 70))
    stored = []
    for strength in (1.0, 0.5, 0.5, 0.0, 0.1, 0.2):
        job = with_model.post(
            f"/api/images/{image['id']}/restore", json={"model": "small", "strength": strength}
        ).json()
        finished(with_model, job)
        stored.append(with_model.get("/api/about").json()["stored"])
    assert stored[1] == stored[2]  # the same settings
    assert stored[5] < 1.1 * stored[4]  # as many as are kept
    told = with_model.get(f"/api/images/{image['id']}").json()
    assert [each["number"] for each in told["results"]] == [3, 4, 5, 6]
    unchanged = with_model.get(f"/api/images/{image['id']}/restored", params={"number": 4})
    assert np.array_equal(decoded(unchanged.content), noise(60, 70))
    tile = with_model.get(f"/api/images/{image['id']}/layers/after-4/0/0/0.png")
    assert np.array_equal(decoded(tile.content), noise(60, 70))
    refused(with_model.get(f"/api/images/{image['id']}/layers/after-1/0/0/0.png"), 404)


# --------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "name", [name for name in BROKEN if name not in ("nowhere.png", "itself.png", "pipe.png")]
)
def test_a_broken_file_is_refused_by_its_name_and_leaves_nothing(
    server: TestClient, tmp_path: Path, name: str
) -> None:
    BROKEN[name][0](tmp_path / name)
    sentence = refused(
        server.post("/api/images", params={"name": name}, content=(tmp_path / name).read_bytes()),
        415,
    )
    assert name in sentence
    assert "restorae-page-" not in sentence
    assert str(tmp_path) not in sentence
    assert server.get("/api/images").json() == []
    assert server.get("/api/about").json()["stored"] == 0


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a;<script>",
        b"%PDF-1.4",
    ],
)
def test_what_is_no_image_is_refused_whatever_it_is_called(
    server: TestClient, content: bytes
) -> None:
    refused(server.post("/api/images", params={"name": "nice.png"}, content=content), 415)


def test_an_image_with_markup_in_it_is_served_as_an_image(server: TestClient) -> None:
    told = send(server, noise(8, 9), "<img src=x onerror=alert(1)>.png")
    job = server.post(f"/api/images/{told['id']}/restore", json={"model": AS_IT_IS}).json()
    finished(server, job)
    result = server.get(f"/api/images/{told['id']}/restored")
    assert result.headers["content-type"] == "image/png"
    assert result.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a\x00b.png", "\n\n", "x" * 400],
)
def test_a_name_is_for_people_only(server: TestClient, name: str) -> None:
    told = send(server, noise(8, 9), name)
    assert "/" not in told["name"]
    assert "\\" not in told["name"]
    assert told["name"].isprintable()
    assert len(told["name"]) <= 120


@pytest.mark.parametrize(
    "model",
    [
        "../models/small",
        "/etc/passwd",
        "models/small.safetensors",
        "small.safetensors",
        "classical:nothing",
    ],
)
def test_a_model_is_a_name_of_the_list(with_model: TestClient, model: str) -> None:
    image = send(with_model, noise(8, 9))
    refused(with_model.post(f"/api/images/{image['id']}/restore", json={"model": model}), 422)
    refused(with_model.post(f"/api/images/{image['id']}/preview.png", json={"model": model}), 422)


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/..%2f..%2fetc/passwd",
        "/static/index.html",
        "/api/images/..%2f..",
        "/app.py",
    ],
)
def test_no_path_reaches_the_file_system(server: TestClient, path: str) -> None:
    assert server.get(path).status_code == 404


@pytest.mark.parametrize(
    "wish",
    [
        {"strength": 2},
        {"strength": "NaN"},
        {"samples": 1},
        {"format": "svg"},
        {"tile": 0},
        {"mask": True},
    ],
)
def test_an_impossible_request_is_refused_at_once(
    with_model: TestClient, wish: dict[str, object]
) -> None:
    image = send(with_model, noise(8, 9))
    refused(
        with_model.post(f"/api/images/{image['id']}/restore", json={"model": "small", **wish}),
        422,
    )
    assert with_model.get("/api/jobs").json()["jobs"] == []


def test_what_needs_a_mask_says_so(server: TestClient) -> None:
    image = send(server, noise(8, 9))
    sentence = refused(
        server.post(f"/api/images/{image['id']}/restore", json={"model": "classical:inpaint"}),
        422,
    )
    assert "needs “Only where I paint”" in sentence


def test_limits_are_reported(open_server: Opener) -> None:
    server = open_server(Limits(pixels=100, images=1, stored=100_000))
    assert "megapixels" in refused(server.post("/api/images", content=encoded(noise(11, 10))), 415)
    send(server, noise(10, 10))
    assert "1 images are open already" in refused(
        server.post("/api/images", content=encoded(noise(10, 10))), 507
    )
    small = open_server(Limits(stored=5_000))
    assert "not enough space" in refused(
        small.post("/api/images", content=encoded(noise(100, 100))), 507
    )
    assert small.get("/api/about").json()["stored"] == 0


def test_images_that_are_not_requested_are_removed(open_server: Opener) -> None:
    server = open_server(Limits(hours_kept=0))
    first = send(server, noise(8, 9))
    second = send(server, noise(8, 9))
    assert [image["id"] for image in server.get("/api/images").json()] == [second["id"]]
    assert first["id"] != second["id"]


def test_an_image_that_is_removed_stops_its_job(with_model: TestClient) -> None:
    large = send(with_model, noise(900, 900))
    job = with_model.post(
        f"/api/images/{large['id']}/restore", json={"model": "classical:nlm(patch=9)"}
    ).json()
    assert with_model.delete(f"/api/images/{large['id']}").status_code == 204
    answer = with_model.get(f"/api/jobs/{job['id']}")
    assert answer.status_code == 404 or finished(with_model, job)["state"] in ("stopped", "failed")


def test_a_second_order_for_the_same_image_is_refused_while_the_first_waits(
    with_model: TestClient,
) -> None:
    large = send(with_model, noise(900, 900))
    path = f"/api/images/{large['id']}/restore"
    job = with_model.post(path, json={"model": "classical:nlm"}).json()
    assert "is being restored already" in refused(
        with_model.post(path, json={"model": "small"}), 409
    )
    with_model.post(f"/api/jobs/{job['id']}/stop")
    assert finished(with_model, job)["state"] == "stopped"
    assert math.isfinite(finished(with_model, job)["ended"])
    assert with_model.get(f"/api/images/{large['id']}").json()["result"] is None
    refused(with_model.get(f"/api/images/{large['id']}/restored"), 404)


def test_stacks_and_many_pages_keep_them_all(server: TestClient, tmp_path: Path) -> None:
    pages = [Image.fromarray(noise(30, 40, seed=seed)) for seed in range(3)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "tiff", save_all=True, append_images=pages[1:])
    told = send(server, buffer.getvalue(), "stack.tif")
    assert told["pages"] == 3
    finished(
        server, server.post(f"/api/images/{told['id']}/restore", json={"model": AS_IT_IS}).json()
    )
    result = Image.open(io.BytesIO(server.get(f"/api/images/{told['id']}/restored").content))
    assert result.n_frames == 3


@pytest.mark.parametrize("kind", ["gif", "bmp", "jpeg2000"])
def test_what_is_only_read_becomes_a_png_of_the_same_pixels(server: TestClient, kind: str) -> None:
    pixels = noise(40, 50)
    image = send(
        server,
        encoded(pixels, kind, **({"irreversible": False} if kind == "jpeg2000" else {})),
        "aunt.xyz",
    )
    assert "the result is a PNG" in image["notices"][-1]
    job = server.post(f"/api/images/{image['id']}/restore", json={"model": AS_IT_IS}).json()
    assert finished(server, job)["result"]["name"] == "aunt-restored.png"
    restored = decoded(server.get(f"/api/images/{image['id']}/restored").content)
    assert np.array_equal(restored if restored.ndim == 2 else restored[..., 0], pixels)
    told = server.get(f"/api/images/{image['id']}").json()["results"][0]
    assert told["settings"]["format"] is None, "what the person chose"
