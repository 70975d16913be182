"""Takes the images of the page that the documentation shows: `python docs/make_screenshots.py` (needs Chromium and PyAV).

Photographs come from scikit-image; the noise on them, and the dust and grain of the film, are drawn here.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
import skimage.data
from playwright.sync_api import Page, sync_playwright

from restorae.degradations import Degradation
from restorae.formats import write_still
from restorae.model import bundled
from restorae.pixels import as_array, as_batch
from restorae.randomness import generator

WIDTH, HEIGHT = 1280, 760
FRAMES = 30
REFERENCE = 12
"""The frame of the film of which there is a coloured still."""
DENOISER = "photo-denoiser" if "photo-denoiser" in bundled() else "classical:nlm"


def main() -> None:
    """Start a server, open each page, take its image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "figures")
    out: Path = parser.parse_args().out.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noise = np.random.default_rng(0).normal(0, 25, (512, 512, 3))
        write_still(
            folder / "astronaut.png",
            np.clip(skimage.data.astronaut() + noise, 0, 255).astype(np.uint8),
        )
        save_film(folder / "landing.mp4", folder / "coloured-still.png")
        command = [sys.executable, "-m", "restorae", "serve", "--no-open", "--port", "0"]
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr is not None
            address = next(
                found[0] for line in server.stderr if (found := re.search(r"http://\S+", line))
            )
            try:
                with sync_playwright() as playwright:
                    root = ["--no-sandbox"] if os.getuid() == 0 else []
                    browser = playwright.chromium.launch(
                        executable_path=shutil.which("chromium"), args=["--disable-gpu", *root]
                    )
                    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
                    page.set_default_timeout(120_000)
                    restore(page, address, folder / "astronaut.png", out / "page-restore.png")
                    film(page, address, folder / "landing.mp4", out / "page-film.png")
                    lab(page, address, out / "page-lab.png")
                    latent(page, address, out / "page-latent.png")
                    browser.close()
            finally:
                server.terminate()


def restore(page: Page, address: str, image: Path, out: Path) -> None:
    """A noisy photograph and what became of it."""
    opened(page, address, "restore")
    page.select_option("#restore-model", DENOISER)
    page.set_input_files("#files", image)
    page.wait_for_selector('#viewer canvas[data-shown$=" preview"]')
    page.click("#restore-now")
    page.wait_for_selector('#viewer canvas[data-shown$=" after"][data-missing="0"]')
    page.screenshot(path=out)


def save_film(path: Path, still: Path) -> None:
    """A short film in black and white: a part of a photograph that moves slowly, as an old film; and a coloured still."""
    colours = skimage.data.astronaut()[:320, :500]
    write_still(still, np.ascontiguousarray(colours[:, REFERENCE : REFERENCE + 400]))
    grey = np.rint(colours @ [0.299, 0.587, 0.114]).astype(np.uint8)[..., None]
    damage = Degradation.of("film(age=0.5)").draw(generator(0), FRAMES)
    frames = as_batch(np.stack([grey[:, shift : shift + 400] for shift in range(FRAMES)]))
    pixels = as_array(damage.apply(frames).clamp(0, 1), np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=18, options={"crf": "16"})
        stream.height, stream.width, stream.pix_fmt = pixels.shape[1], pixels.shape[2], "yuv420p"
        for frame in pixels:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        out.mux(stream.encode(None))


def film(page: Page, address: str, source: Path, out: Path) -> None:
    """Frames of a film that takes its colours from a still, previewed."""
    opened(page, address, "film")
    page.set_input_files("#film-file", source)
    page.wait_for_selector("#film-view:not([hidden])")
    page.set_input_files("#film-reference-file", source.with_name("coloured-still.png"))
    page.wait_for_selector("#film-references li")
    page.locator("#film-at").fill("4")
    page.click("#film-colour-preview")
    page.wait_for_selector("#film-strip button")
    page.locator("#film-references").scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    page.screenshot(path=out)


def lab(page: Page, address: str, out: Path) -> None:
    """Noise on a cup of coffee."""
    opened(page, address, "lab")
    page.select_option("#lab-image", "sample coffee")
    page.select_option("#lab-model", DENOISER)
    page.get_by_role("slider", name="sigma").fill("0.1")
    page.locator("#lab-spec").filter(has_text=re.compile(r"^gaussian-noise$")).wait_for()
    page.screenshot(path=out)


def latent(page: Page, address: str, out: Path) -> None:
    """A place on the plane of digits."""
    opened(page, address, "latent")
    box = page.locator("#plane").bounding_box()
    assert box is not None
    page.wait_for_timeout(1500)
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.72)
    page.click("#draw-samples")
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.72)
    page.wait_for_timeout(1500)
    page.screenshot(path=out)


def opened(page: Page, address: str, name: str) -> None:
    """Open one of the pages and wait until it can be used."""
    page.goto(f"{address}#{name}")
    page.wait_for_selector(f"body[data-ready={name}]")


if __name__ == "__main__":
    main()
