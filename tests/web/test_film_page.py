"""Colours of a film on the page: dropped, downloaded and dropped again, painted, previewed, suggested; in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.web.browser import PATIENCE_MS, Running, look, real_drop

pytest.importorskip("av")
pytest_plugins = ["tests.web.browser_fixtures"]
pytestmark = pytest.mark.slow
COUNT = 30


def opened_film(page: Page, running: Running, path: Path) -> None:
    """A grey film that moves slowly, in view."""
    import av
    from skimage import data

    scene = data.astronaut()[:240, :400].mean(-1).astype(np.uint8)
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=24)
        video.width, video.height, video.pix_fmt = 320, 240, "gray"
        for number in range(COUNT):
            shown = np.ascontiguousarray(scene[:, number : number + 320])
            out.mux(video.encode(av.VideoFrame.from_ndarray(shown, format="gray")))
        out.mux(video.encode(None))
    look(page, running, "film")
    page.set_input_files("#film-file", path)
    expect(page.locator("#film-facts")).to_contain_text("ffv1")
    page.select_option("#film-model", "classical:median")


def remove(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Remove {name}", exact=True).click()
    expect(page.locator("#film-blank")).to_be_visible()


def colourfulness(page: Page, selector: str) -> float:
    """How far red, green and blue of an image are apart."""
    found: float = page.evaluate(
        """async (selector) => {
            const image = document.querySelector(selector);
            await image.decode();
            const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
            canvas.getContext("2d").drawImage(image, 0, 0);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let sum = 0;
            for (let at = 0; at < data.length; at += 4) {
                const three = [data[at], data[at + 1], data[at + 2]];
                sum += Math.max(...three) - Math.min(...three);
            }
            return sum / (data.length / 4);
        }""",
        selector,
    )
    return found


def test_strokes_on_a_frame_colour_its_neighbours_and_can_be_taken_back(
    page: Page, running: Running, tmp_path: Path
) -> None:
    opened_film(page, running, tmp_path / "aunt.mkv")
    page.locator("#film-at").fill("2")
    page.click("#film-paint")
    canvas, references = page.locator("#film-canvas"), page.locator("#film-references .name")
    expect(canvas).to_be_focused()
    page.locator("#film-brush-colour").fill("#e06020")
    page.locator("#film-brush-size").fill("40")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 1.5, steps=5)
    page.mouse.up()
    expect(references).to_have_text(["frame 3, painted"])
    canvas.focus()  # and with the keys alone
    for key in ("ArrowLeft", "ArrowLeft", "ArrowDown", " "):
        page.keyboard.press("Space" if key == " " else key)
    page.wait_for_function(
        "async () => (await (await fetch('/api/films')).json()).films[0].references[0].strokes.length === 2"
    )
    page.click("#film-colour-preview")
    expect(page.locator("#film-strip button")).to_have_text(
        ["frame 3", "frame 7", "frame 15", "frame 27", "frame 30"]
    )
    expect(page.locator("#film-colour-note")).to_contain_text("last of its shot")
    for number in range(5):
        page.locator("#film-strip button").nth(number).click()
        expect(page.locator("#film-after")).to_be_visible()
        page.wait_for_timeout(200)
        assert colourfulness(page, "#film-after") > 5 > colourfulness(page, "#film-before")
    page.reload()
    expect(references).to_have_text(["frame 3, painted"])
    page.locator("#film-references button.pick").click()
    expect(page.locator("#film-time")).to_contain_text("frame 3 of 30")
    page.click("#film-paint")
    page.click("#film-clear")
    expect(references).to_have_count(0)
    remove(page, "aunt.mkv")


def test_a_frame_is_suggested_downloaded_coloured_dropped_and_the_film_restored(
    page: Page, running: Running, tmp_path: Path
) -> None:
    import av

    opened_film(page, running, tmp_path / "aunt.mkv")
    expect(page.locator("#film-colour-preview")).to_be_disabled()
    page.click("#film-suggest")
    page.locator("#film-suggested button").first.click()
    with page.expect_download() as download:
        page.click("#film-still")
    download.value.save_as(tmp_path / "still.png")
    grey = np.asarray(Image.open(tmp_path / "still.png")).astype(float)
    assert grey.shape == (240, 320)
    real_drop(page, tmp_path / "still.png")  # as it is: it has no colour
    expect(page.locator("#film-colour-note")).to_contain_text("still.png: has no colour")
    tinted = np.clip(grey[..., None] + [40, 0, -40], 0, 255)
    Image.fromarray(tinted.astype(np.uint8)).save(tmp_path / "still.png")
    real_drop(page, tmp_path / "still.png")
    expect(page.locator("#film-references .name")).to_have_text(["still.png"])
    expect(page.locator("#page-film")).to_be_visible()
    page.locator("#film-strength").fill("0")
    page.click("#film-restore")
    with page.expect_download() as download:
        page.click("#film-download")
    download.value.save_as(tmp_path / "out.mkv")
    expect(page.locator("#film-facts")).to_contain_text("is the reference")
    with av.open(str(tmp_path / "out.mkv")) as made:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in made.decode(video=0)]
    assert len(frames) == COUNT
    for frame in (frames[0], frames[-1]):
        assert (frame[..., 0] - frame[..., 2]).mean() > 25
    page.get_by_role("button", name="Remove still.png").click()
    expect(page.locator("#film-references .name")).to_have_count(0)
    remove(page, "aunt.mkv")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_painting_has_no_accessibility_violations(
    browser: Browser, running: Running, tmp_path: Path, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # axe is put into the page
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    opened_film(page, running, tmp_path / "aunt.mkv")
    page.click("#film-suggest")
    expect(page.locator("#film-suggested button").first).to_be_visible()
    page.click("#film-paint")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#film-undo")).to_be_enabled()
    violations = Axe().run(page).response["violations"]
    assert not violations, [(each["id"], each["nodes"][0]["html"][:200]) for each in violations]
    page.evaluate(
        "fetch('/api/films').then((it) => it.json()).then(({films}) => fetch(`/api/films/${films[0].id}`, {method: 'DELETE'}))"
    )
    context.close()
