"""Pages other than the first: looked at one by one, previewed and restored as they will be in the file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tests.web.conftest import TestClient, decoded, finished, noise, refused, send


def stack(tmp_path: Path) -> tuple[bytes, list[np.ndarray]]:
    """A file of pages of different sizes."""
    pages = [noise(40 + 10 * index, 60, 3, seed=index) for index in range(3)]
    with tifffile.TiffWriter(tmp_path / "book.tif") as out:
        for page in pages:
            out.write(page, photometric="rgb")
    return (tmp_path / "book.tif").read_bytes(), pages


def tile(server: TestClient, image: str, layer: str, page: int) -> Any:
    answer = server.get(f"/api/images/{image}/layers/{layer}/0/0/0.png?page={page}")
    assert answer.status_code == 200, answer.text
    return decoded(answer.content)


def test_every_page_is_shown_previewed_and_restored(server: TestClient, tmp_path: Path) -> None:
    content, pages = stack(tmp_path)
    image = send(server, content, "book.tif")["id"]
    settings = {"model": "classical:median(radius=1)"}
    job = server.post(f"/api/images/{image}/restore", json=settings).json()
    assert finished(server, job)["state"] == "done"
    result = tifffile.TiffFile(io.BytesIO(server.get(f"/api/images/{image}/restored").content))
    for number, pixels in enumerate(pages):
        told = server.get(f"/api/images/{image}/pages/{number}").json()
        assert (told["height"], told["width"]) == pixels.shape[:2]
        assert np.array_equal(tile(server, image, "before", number), pixels)
        restored = result.pages[number].asarray()
        assert not np.array_equal(restored, pixels)
        assert np.array_equal(tile(server, image, "after", number), restored)
        preview = server.post(f"/api/images/{image}/preview.png?page={number}", json=settings)
        assert np.array_equal(decoded(preview.content), restored)
    refused(server.get(f"/api/images/{image}/pages/3"), 404)
    refused(server.get(f"/api/images/{image}/layers/before/0/0/0.png?page=3"), 404)
    refused(server.post(f"/api/images/{image}/preview.png?page=3", json=settings), 404)


def test_only_a_few_pages_are_kept(server: TestClient, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "many.tif", noise(40, 64, 64), photometric="minisblack")
    image = send(server, (tmp_path / "many.tif").read_bytes(), "many.tif")["id"]
    taken = []
    for number in (*range(1, 40), 1):
        tile(server, image, "before", number)
        taken.append(server.get("/api/about").json()["stored"])
    assert max(taken[12:]) == taken[12]
