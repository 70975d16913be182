"""Colours of films: painted, sent, kept when the server ends; the coloured film is that of the command line."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from restorae.colouring.opponent import BT601
from restorae.web.colour_strokes import ColourStroke, painted_chroma, spread
from tests.clips import av
from tests.command import run
from tests.web.conftest import Opener, TestClient, encoded, finished, refused
from tests.web.test_films import film, seen, sent

SIZE = {"height": 96, "width": 128}
ORANGE, NO_DAMAGE = "#d07030", {"model": "classical:median(radius=1)", "strength": 0.0}


def stroke(x: float, y: float, colour: str = ORANGE, radius: float = 10) -> dict[str, Any]:
    return {"radius": radius, "points": [[x, y], [x + 20, y]], "colour": colour}


def coloured(server: TestClient, address: str, number: int) -> np.ndarray:
    """How far red, green and blue are apart in a reference's small copy."""
    shown = seen(server, f"{address}/references/{number}.png")
    return np.asarray(shown.max(-1) - shown.min(-1))


def test_painted_colours_fill_what_has_the_same_edges_and_nothing_else() -> None:
    luma = np.full((120, 200), 0.3, np.float32)
    luma[:, 100:] = 0.7
    strokes = [ColourStroke(**stroke(20, 60)), ColourStroke(**stroke(20, 20), erase=True)]
    chroma, known = painted_chroma(strokes, 120, 200, BT601)
    assert known[60, 30]
    assert not known[20, 30]
    red, green, blue = (int(ORANGE[at : at + 2], 16) / 255 for at in (1, 3, 5))
    y = 0.299 * red + 0.587 * green + 0.114 * blue  # BT.601 by its own words
    expected = (blue - y) / 1.772, (red - y) / 1.402
    assert chroma[60, 30] == pytest.approx(expected, abs=1e-6)
    found, trust = spread(luma, chroma, known)
    rows, columns = trust.shape
    for row in (0, rows // 2, rows - 1):
        assert found[row, columns // 2 - 4] == pytest.approx(expected, abs=0.02)
        assert np.abs(found[row, columns // 2 + 4]).max() < 0.02
    assert trust[:, columns // 2 + 4 :].max() < 0.05


def test_a_frame_is_painted_and_painted_over_and_what_has_no_colour_is_refused(
    server: TestClient, tmp_path: Path
) -> None:
    told = sent(server, film(tmp_path, **SIZE, stamps=range(0, 30_000, 3000), shade=[100] * 10))
    address = f"/api/films/{told['id']}"
    refused(server.post(f"{address}/colour-preview", json=NO_DAMAGE), 422)
    still = server.get(f"{address}/stills/3.png")
    assert "film-000003.png" in still.headers["content-disposition"]
    assert np.asarray(Image.open(io.BytesIO(still.content))).shape == (96, 128)
    sentence = refused(server.post(f"{address}/references?name=s.png", content=still.content), 415)
    assert sentence.startswith("s.png: has no colour")
    for strokes in ([stroke(30, 50)], [stroke(30, 50), stroke(90, 50, "#3060d0")]):
        answer = server.put(f"{address}/frames/3/strokes", json={"strokes": strokes}).json()
        assert answer["used"]
        (reference,) = answer["film"]["references"]
        assert (reference["frame"], len(reference["strokes"])) == (3, len(strokes))
    assert coloured(server, address, reference["number"]).mean() > 20
    refused(server.put(f"{address}/frames/99/strokes", json={"strokes": []}), 404)
    bad = [{**stroke(0, 0), "colour": "red"}]
    refused(server.put(f"{address}/frames/3/strokes", json={"strokes": bad}), 422)
    answer = server.put(f"{address}/frames/3/strokes", json={"strokes": []}).json()
    assert (answer["used"], answer["film"]["references"]) == (False, [])
    assert server.delete(address).status_code == 204
    assert server.get("/api/about").json()["stored"] == 0


def test_a_film_its_references_and_its_result_are_kept(open_server: Opener, tmp_path: Path) -> None:
    keep = tmp_path / "kept-films"
    first = open_server(keep=keep)
    told = sent(first, film(tmp_path))
    address = f"/api/films/{told['id']}"
    first.put(f"{address}/frames/2/strokes", json={"strokes": [stroke(20, 16, radius=8)]})
    first.post(f"{address}/references?name=aunt.png", content=in_colour())
    plain = {**NO_DAMAGE, "strength": 1.0, "references": [], "deflicker": 0.0}
    job = first.post(f"{address}/restore", json=plain).json()
    assert finished(first, job)["state"] == "done"
    before = first.get(address).json()
    result = first.get(f"{address}/restored").content
    first.__exit__(None, None, None)
    (keep / ("0" * 16)).mkdir()
    (keep / ("0" * 16) / "film.json").write_text("{")
    second = open_server(keep=keep)
    (after,) = second.get("/api/films").json()["films"]
    assert after == {**before, "job": None}
    assert [each["name"] for each in after["references"]] == ["frame 3, painted", "aunt.png"]
    assert second.get(f"{address}/restored").content == result
    number = after["references"][0]["number"]
    assert coloured(second, address, number).max() > 20
    assert second.delete(f"{address}/references/{number}").status_code == 200
    assert second.delete(address).status_code == 204
    assert sorted(path.name for path in keep.iterdir()) == ["in-use"]


def in_colour() -> bytes:
    """A reference: two halves of different colours."""
    pixels = np.zeros((96, 128, 3), np.uint8)
    pixels[:, :64], pixels[:, 64:] = (200, 90, 60), (60, 90, 200)
    return encoded(pixels)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_strokes_lie_where_they_were_painted_whatever_the_rotation_and_the_pixels(
    server: TestClient, tmp_path: Path, rotation: int
) -> None:
    shades = np.array([[70, 110], [150, 190]], np.uint8).repeat(48, 0).repeat(40, 1)
    with av.open(str(tmp_path / "turned.mp4"), "w") as out:
        video = out.add_stream("libx264", rate=24, options={"crf": "10"})
        video.width, video.height, video.pix_fmt = 80, 96, "yuv420p"
        video.codec_context.sample_aspect_ratio = Fraction(2)
        video.set_display_rotation(rotation)
        for _ in range(3):
            out.mux(video.encode(av.VideoFrame.from_ndarray(shades, format="gray")))
        out.mux(video.encode(None))
    address = f"/api/films/{sent(server, (tmp_path / 'turned.mp4').read_bytes())['id']}"
    shown = seen(server, f"{address}/frames/1.png")[..., 0]
    assert shown.shape == ((96, 160) if rotation % 180 == 0 else (160, 96))
    height, width = shown.shape
    places = [(y * height // 4, x * width // 4) for y in (1, 3) for x in (1, 3)]
    colours = {int(shown[place]): each for place, each in zip(places, PALETTE, strict=True)}
    strokes = [
        {"radius": 6, "points": [[x - 8, y], [x + 8, y]], "colour": each}
        for (y, x), each in zip(places, PALETTE, strict=True)
    ]
    told = server.put(f"{address}/frames/1/strokes", json={"strokes": strokes}).json()["film"]
    stored = seen(server, f"{address}/references/{told['references'][0]['number']}.png")
    assert stored.shape == (*shades.shape, 3)
    for y, x in [(24, 20), (24, 60), (72, 20), (72, 60)]:
        painted = colours[min(colours, key=lambda shade: abs(shade - int(shades[y, x])))]
        assert max(PALETTE, key=lambda each: likeness(each, stored[y, x])) == painted


PALETTE = ("#d04040", "#30a040", "#4050d0", "#b0a020")


def likeness(colour: str, pixel: np.ndarray) -> float:
    """How alike two colours are, whatever their brightness."""
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    one, other = rgb - rgb.mean(), pixel - pixel.mean()
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.slow
def test_a_coloured_film_is_that_of_the_command_line_and_neighbours_show_it(
    server: TestClient, tmp_path: Path
) -> None:
    stamps = range(0, 30 * 3000, 3000)
    content = film(tmp_path, **SIZE, stamps=stamps, shade=list(range(60, 90)), layout="gray")
    told = sent(server, content)
    address = f"/api/films/{told['id']}"
    server.put(f"{address}/frames/2/strokes", json={"strokes": [stroke(20, 16, radius=30)]})
    (tmp_path / "reference.png").write_bytes(in_colour())
    there = server.post(f"{address}/references?name=aunt.png", content=in_colour()).json()
    asked = {**NO_DAMAGE, "references": [there["references"][1]["number"]], "lossless": True}
    job = server.post(f"{address}/restore", json=asked).json()
    assert finished(server, job, 200)["state"] == "done"
    run(
        *("restore", "film.mkv", "--model", NO_DAMAGE["model"], "--strength", "0", "--lossless"),
        *("--references", "reference.png", "--out", "out.mkv"),
        cwd=tmp_path,
    )
    assert server.get(f"{address}/restored").content == (tmp_path / "out.mkv").read_bytes()
    found = server.post(f"{address}/colour-preview", params={"number": 2}, json=NO_DAMAGE).json()
    assert [each["number"] for each in found["frames"]] == [2, 6, 14, 26, 29]
    assert found["is_end"]
    for each in found["frames"]:
        before, after = seen(server, each["before"]), seen(server, each["after"])
        assert (after.max(-1) - after.min(-1)).mean() > 5 > (before.max(-1) - before.min(-1)).mean()


@pytest.mark.slow
def test_colours_of_a_film_are_replaced_only_where_that_is_asked_for(
    server: TestClient, tmp_path: Path
) -> None:
    address = f"/api/films/{sent(server, film(tmp_path, **SIZE))['id']}"  # noise, in its chroma too
    server.post(f"{address}/references", content=in_colour())
    job = finished(server, server.post(f"{address}/restore", json=NO_DAMAGE).json())
    assert "“Replace the film’s own colours”" in job["error"]
    asked = {**NO_DAMAGE, "recolour": True}
    job = finished(server, server.post(f"{address}/restore", json=asked).json(), 200)
    assert job["state"] == "done", job["error"]
    frames = finished(server, server.post(f"{address}/suggest").json(), 200)["result"]["frames"]
    assert frames == server.get(address).json()["suggested"]
    assert len({each["frame"] for each in frames}) == len(frames) == 5


@pytest.mark.slow
def test_the_preview_carries_colours_from_a_painted_frame_before_it_as_the_film_does(
    server: TestClient, tmp_path: Path
) -> None:
    content = moving_stripes(tmp_path / "stripes.mkv", count=40)
    told = sent(server, content)
    address = f"/api/films/{told['id']}"
    strokes = [stroke(20, 30, ORANGE, 14), stroke(90, 30, "#3060d0", 14)]
    server.put(f"{address}/frames/3/strokes", json={"strokes": strokes})
    job = server.post(f"{address}/restore", json={**NO_DAMAGE, "lossless": True}).json()
    assert finished(server, job, 200)["state"] == "done"
    film_of_all = sent(server, server.get(f"{address}/restored").content)["id"]
    asked = {"params": {"number": 20}, "json": NO_DAMAGE}
    for each in server.post(f"{address}/colour-preview", **asked).json()["frames"]:
        after = seen(server, each["after"])
        whole = seen(server, f"/api/films/{film_of_all}/frames/{each['number']}.png")
        assert np.abs(after - whole).mean() < 1, each["number"]


def moving_stripes(path: Path, count: int) -> bytes:
    """A grey film of two halves that look alike, so that matching cannot tell them apart and motion can."""
    texture = np.random.default_rng(0).integers(60, 190, (12, 24)).repeat(8, 0).repeat(8, 1)
    half = np.asarray(texture[:, :80], np.uint8)
    scene = np.hstack([half, half])
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = 128, 96, "gray"
        for number in range(count):
            moved = np.ascontiguousarray(scene[:, number // 2 : number // 2 + 128])
            out.mux(video.encode(av.VideoFrame.from_ndarray(moved, format="gray")))
        out.mux(video.encode(None))
    return path.read_bytes()
