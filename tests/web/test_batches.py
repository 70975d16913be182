"""Many images: one request queues them, one archive holds the results, and a server started anew knows what it kept."""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorae.web import Limits
from restorae.web.jobs import Queue
from restorae.web.store import Store
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
from tests.web.profiles import exchanged

SETTINGS = {"model": AS_IT_IS}


def send_to(server: TestClient, folder: str, name: str, seed: int) -> dict:
    answer = server.post(
        "/api/images",
        params={"name": name, "folder": folder},
        content=encoded(noise(40, 50, seed=seed)),
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def restored(server: TestClient, images: list[dict]) -> dict:
    answer = server.post(
        "/api/restorations",
        json={"images": [image["id"] for image in images], "settings": SETTINGS},
    )
    assert answer.status_code == 202, answer.text
    for each in answer.json()["jobs"]:
        assert finished(server, {"id": each["job"]})["state"] == "done"
    return answer.json()


def test_one_request_queues_all_and_the_archive_keeps_folders_and_names_apart(
    server: TestClient,
) -> None:
    places = [("box/1950", "a.png"), ("box/1951", "a.png"), ("box/1950", "a.png"), ("", "a.png")]
    images = [send_to(server, *place, seed) for seed, place in enumerate(places)]
    told = restored(server, images)
    assert [each["image"] for each in told["jobs"]] == [image["id"] for image in images]
    answer = server.get("/api/restored.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "box/1950/a-restored.png",
            "box/1951/a-restored.png",
            "box/1950/a (2)-restored.png",
            "a-restored.png",
        ]
        for seed, name in enumerate(archive.namelist()):
            assert np.array_equal(decoded(archive.read(name)), noise(40, 50, seed=seed))


def test_images_without_paint_are_left_out_and_named(server: TestClient) -> None:
    images = [send_to(server, "", f"{seed}.png", seed) for seed in range(3)]
    strokes = [{"radius": 5, "points": [[20, 20]]}]
    server.put(f"/api/images/{images[1]['id']}/mask", json={"strokes": strokes})
    answer = server.post(
        "/api/restorations",
        json={
            "images": [image["id"] for image in images] + ["gone"],
            "settings": SETTINGS | {"mask": True},
        },
    ).json()
    assert [each["image"] for each in answer["jobs"]] == [images[1]["id"]]
    assert [each["name"] for each in answer["refused"]] == ["0.png", "2.png", ""]
    finished(server, {"id": answer["jobs"][0]["job"]})


def test_folders_that_lead_elsewhere_stay_within_the_folder_for_results(
    open_server: Opener, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    server = open_server(out=out)
    out.mkdir()
    (out / "b").mkdir()
    (out / "b" / "a-restored.png").write_bytes(b"another's")
    images = [send_to(server, folder, "a.png", 0) for folder in ("../..", "/b", "b/../c")]
    restored(server, images)
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert found == [
        "a-restored.png",
        "b/a-restored (2).png",
        "b/a-restored.png",
        "b/c/a-restored.png",
    ]
    assert (out / "b" / "a-restored.png").read_bytes() == b"another's"
    restored(server, images)  # the same image takes the place of its own earlier result
    assert len([path for path in out.rglob("*") if path.is_file()]) == 4


def test_what_is_kept_is_there_again(open_server: Opener, tmp_path: Path) -> None:
    keep = tmp_path / "kept-by-name"
    first = open_server(keep=keep)
    one, other = (send_to(first, "box", f"{seed}.png", seed) for seed in range(2))
    strokes = [{"radius": 5.0, "points": [[20.0, 20.0]], "erase": False}]
    first.put(f"/api/images/{other['id']}/mask", json={"strokes": strokes})
    restored(first, [one])
    before = first.get("/api/images").json()
    with pytest.raises(Exception, match="another server uses this folder"):
        Store(2**30, keep=keep)
    first.__exit__(None, None, None)
    (keep / ("0" * 16)).mkdir()  # an upload that was cut off
    second = open_server(keep=keep)
    after = second.get("/api/images").json()
    unlike = ("job", "mask_version")
    assert [{k: v for k, v in each.items() if k not in unlike} for each in after] == [
        {k: v for k, v in each.items() if k not in unlike} for each in before
    ]
    result = second.get(f"/api/images/{one['id']}/restored")
    assert np.array_equal(decoded(result.content), noise(40, 50, seed=0))
    tile = second.get(f"/api/images/{one['id']}/layers/after/0/0/0.png")
    assert np.array_equal(decoded(tile.content), noise(40, 50, seed=0))
    assert not (keep / ("0" * 16)).exists()


def test_more_images_fit_than_what_is_shown_of_them(open_server: Opener) -> None:
    pixels = [noise(1100, 1100, seed=seed) // 64 for seed in range(8)]  # small files of many pixels
    contents = [encoded(each) for each in pixels]
    most = sum(map(len, contents)) + 9_000_000  # what is shown of one takes 1.6 MB
    server = open_server(Limits(stored=most))
    images = [send(server, content, f"{place}.png") for place, content in enumerate(contents)]
    restored(server, images[:2])
    for image, expected in zip(images, pixels, strict=True):
        for layer in ("before", "after") if image in images[:2] else ("before",):
            tile = server.get(f"/api/images/{image['id']}/layers/{layer}/0/1/1.png")
            assert np.array_equal(decoded(tile.content), expected[512:1024, 512:1024])
    assert server.get("/api/about").json()["stored"] <= most


def test_a_mask_file_stays_under_the_strokes_and_can_be_seen(server: TestClient) -> None:
    image = send(server, noise(40, 50))
    mask = np.zeros((40, 50), np.uint8)
    mask[:10, :10] = 255
    address = f"/api/images/{image['id']}"
    told = server.post(f"{address}/mask", content=encoded(mask)).json()
    assert told["mask_file"]
    painted = [{"radius": 3, "points": [[30, 30]]}]
    server.put(f"{address}/mask", json={"strokes": painted})
    both = decoded(server.get(f"{address}/mask.png").content)
    assert both[5, 5] == 255
    assert both[30, 30] == 255
    assert np.array_equal(decoded(server.get(f"{address}/mask-file.png").content), mask)
    server.put(f"{address}/mask", json={"strokes": []})
    assert np.array_equal(decoded(server.get(f"{address}/mask.png").content), mask)
    assert not server.delete(f"{address}/mask").json()["mask"]
    refused(server.get(f"{address}/mask-file.png"), 404)


def test_colours_of_a_profile_are_shown_as_a_screen_shows_them(server: TestClient) -> None:
    pixels = np.zeros((40, 50, 3), np.uint8)
    pixels[..., 0] = 220
    image = send(server, encoded(pixels, icc_profile=exchanged()))
    shown = decoded(server.get(f"/api/images/{image['id']}/layers/before/0/0/0.png").content)
    assert shown[20, 20, 2] > 150
    assert shown[20, 20, 0] < 60
    preview = server.post(f"/api/images/{image['id']}/preview.png", json=SETTINGS)
    assert np.array_equal(decoded(preview.content), shown)
    plain = send(server, encoded(pixels))
    unchanged = decoded(server.get(f"/api/images/{plain['id']}/layers/before/0/0/0.png").content)
    assert np.array_equal(unchanged, pixels)


def test_transparency_is_part_of_what_is_shown(server: TestClient) -> None:
    pixels = noise(40, 50, 4)
    image = send(server, pixels)
    tile = decoded(server.get(f"/api/images/{image['id']}/layers/before/0/0/0.png").content)
    assert np.array_equal(tile, pixels)


def test_a_preview_of_a_part_is_what_the_result_has_there(server: TestClient) -> None:
    pixels = noise(700, 600, 3)
    turned = Image.fromarray(pixels)
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera was held upright
    buffer = io.BytesIO()
    turned.save(buffer, "png", exif=exif)
    image = send(server, buffer.getvalue())
    assert (image["height"], image["width"]) == (600, 700)
    settings = {"model": "classical:median(radius=2)"}
    job = server.post(f"/api/images/{image['id']}/restore", json=settings).json()
    finished(server, job)
    for column, row in ((0, 0), (1, 1)):
        address = f"/api/images/{image['id']}"
        where = {"column": column, "row": row}
        shown = server.post(f"{address}/preview.png", params=where, json=settings)
        tile = server.get(f"{address}/layers/after/0/{column}/{row}.png")
        assert np.array_equal(decoded(shown.content), decoded(tile.content))
    refused(server.post(f"{address}/preview.png", params={"column": 2}, json=settings), 404)
    refused(server.post(f"{address}/preview.png", json=settings | {"mask": True}), 422)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "models/digits-vae/decode?at=1e39,0", None),
        ("GET", "models/digits-vae/decode?at=nan,0", None),
        ("POST", "models/digits-vae/decode", {"latents": [[1e39, 0]]}),
        ("POST", "models/digits-vae/walk.gif", {"start": [1e39, 0], "end": [0, 0]}),
        ("GET", "models/digits-vae/plane.png?range=1e39", None),
        ("GET", "models/digits-vae/plane.png?right=99999999999999999999", None),
        ("GET", "models/digits-vae/plane.png?at=1e39,0", None),
        ("GET", "models/digits-vae/sample?seed=99999999999999999999", None),
        ("GET", "models/digits-vae/sample.png?count=99999999999999999999", None),
        ("GET", "jobs?since=99999999999999999999", None),
        ("GET", "jobs?wait=1e39", None),
        ("GET", "jobs/1/looks/99999999999999999999.png", None),
        ("GET", "images/IMAGE/layers/before/0/99999999999999999999/0.png", None),
        ("POST", "images/IMAGE/preview.png?column=99999999999999999999", SETTINGS),
        ("POST", "images/IMAGE/restore", SETTINGS | {"strength": 1e39}),
        ("POST", "images/IMAGE/restore", SETTINGS | {"tile": 0}),
        ("GET", "images/IMAGE/restored?number=99999999999999999999", None),
        ("PUT", "images/IMAGE/mask", {"strokes": [{"radius": 5, "points": [[1e308, 0]]}]}),
        ("PUT", "images/IMAGE/mask", {"strokes": [{"radius": 1e39, "points": [[0, 0]]}]}),
        ("POST", "experiments", {"sample": "digits", "degradation": "blur", "x": 1e39}),
        ("POST", "experiments", {"sample": "digits", "degradation": "blur(sigma=1e39)"}),
        ("POST", "experiments", {"sample": "digits", "degradation": "blur", "seed": 2**70}),
        (
            "POST",
            "trainings",
            {"name": "m", "way": "noisy", "noisy": "digits", "batch_size": 10**9},
        ),
        (
            "POST",
            "trainings",
            {
                "name": "m",
                "way": "damage",
                "clean": "digits",
                "degradation": "blur",
                "network": "unet(widths=[100000,100000])",
            },
        ),
    ],
)
def test_extreme_numbers_are_refused_quietly(
    server: TestClient,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    method: str,
    path: str,
    body: dict | None,
) -> None:
    image = send(server, noise(40, 50))["id"]
    refused(server.request(method, f"/api/{path.replace('IMAGE', image)}", json=body), 422)
    assert caplog.text == ""
    assert capfd.readouterr().err == ""


def test_many_may_wait_for_news_and_no_thread_waits_with_them() -> None:
    queue = Queue(10)

    async def wait() -> float:
        began = time.monotonic()
        waiting = [asyncio.create_task(queue.wait_for_change(0, 20)) for _ in range(100)]
        await asyncio.sleep(0.05)
        queue.touch()
        await asyncio.gather(*waiting)
        return time.monotonic() - began

    assert asyncio.run(wait()) < 10
    assert queue.changes(1)["jobs"] == []
    queue.close()


def test_many_images_wait_after_one_request(open_server: Opener) -> None:
    server = open_server()
    images = [send(server, encoded(noise(8, 8, seed=seed)), f"{seed}.png") for seed in range(60)]
    answer = server.post(
        "/api/restorations",
        json={"images": [image["id"] for image in images], "settings": SETTINGS},
    ).json()
    assert len(answer["jobs"]) == 60
    stopped = server.post("/api/jobs/stop", params={"lane": "images"}).json()["stopped"]
    told = server.get("/api/jobs").json()
    assert told["complete"]
    assert len(told["jobs"]) == 60
    assert stopped > 0
    finished(server, {"id": answer["jobs"][-1]["job"]})
    since = server.get(
        "/api/jobs", params={"since": told["version"], "server": told["server"]}
    ).json()
    assert not since["complete"]
    assert len(since["jobs"]) <= 1
