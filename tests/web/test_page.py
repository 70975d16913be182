"""What a family archivist meets on the page, each a fault that was once there; in a real browser."""

from __future__ import annotations

import http.client
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.web.browser import (
    PATIENCE_MS,
    Running,
    choose_model,
    clean_up,
    drop,
    image,
    in_view,
    look,
    prepared,
    real_drop,
    seen_pixels,
    serving,
)
from tests.web.conftest import encoded
from tests.web.profiles import exchanged

pytest_plugins = ["tests.web.browser_fixtures"]
pytestmark = pytest.mark.slow
SIZES = ((1440, 900), (1366, 650), (1024, 768))
AS_IT_IS = "classical:median"


def get(page: Page, path: str) -> Any:
    return page.evaluate("async (path) => (await fetch(path)).json()", path)


def paint(page: Page, left: float, top: float) -> None:
    """A short stroke; the place is a share of the viewer's width and height."""
    view = page.locator("#viewer").bounding_box()
    assert view is not None
    x, y = view["x"] + view["width"] * left, view["y"] + view["height"] * top
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12, y + 12, steps=3)
    page.mouse.up()


def until_strokes(page: Page, name: str, count: int) -> None:
    """Wait until the server has so many strokes of an image."""
    for _ in range(200):
        if len(get(page, f"/api/images/{name}")["strokes"]) == count:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{name} never had {count} strokes")


def photograph(path: Path) -> Path:
    """A bright image with soft shapes and a little noise."""
    y, x = np.mgrid[:300, :400]
    soft = 150 + 60 * np.sin(x / 40) * np.cos(y / 50)
    grain = np.random.default_rng(0).normal(0, 8, (300, 400, 3))
    Image.fromarray(np.clip(soft[..., None] + grain, 0, 255).astype(np.uint8)).save(path)
    return path


def test_the_first_photograph_is_previewed_as_bright_as_it_is(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    source = photograph(tmp_path / "aunt.png")
    drop(page, source)
    prepared(page, "preview")
    size: list[int] = page.evaluate(
        "[document.querySelector('#viewer canvas').width, document.querySelector('#viewer canvas').height]"
    )
    after = seen_pixels(page, size[0] // 2 + 20, size[1] // 2 - 50, 100, 100)
    assert abs(after.mean() / np.asarray(Image.open(source)).mean() - 1) < 0.3


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nothing_scrolls_out_of_reach(
    browser: Browser, running: Running, tmp_path: Path, size: tuple[int, int]
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    look(page, running, "restore")
    drop(page, *(image(tmp_path / f"{place}.png", 40, 60, seed=place) for place in range(9)))
    expect(page.locator("#images li img")).to_have_count(9)
    page.check("#restore-mask")
    tall = {}
    for name in ("restore", "film", "lab", "latent", "train"):
        look(page, running, name)
        if name == "lab":
            for _ in range(5):
                page.click("#add")
        page.evaluate(
            "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
        )
        page.wait_for_timeout(200)
        tall[name] = page.evaluate(
            "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
        )
        if name == "restore":
            for button in ("#restore-now", "#restore-all"):
                box = page.locator(button).bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= size[1]
    clean_up(page)
    context.close()
    assert tall == {name: [size[1], size[0]] for name in tall}


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_all_is_within_the_width_and_restore_is_in_view(
    browser: Browser, running: Running, tmp_path: Path, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 740}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    look(page, running, "restore")
    drop(page, image(tmp_path / "a.png", 60, 80))
    prepared(page, "preview")
    page.locator("#restore-mask").evaluate("(box) => box.click()")
    for name in ("restore", "film", "lab", "latent", "train"):
        look(page, running, name)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    look(page, running, "restore")
    expect(page.locator("#restore-now")).to_be_in_viewport()
    expect(page.locator("#viewer")).to_be_in_viewport()
    clean_up(page)
    context.close()


def test_another_model_is_previewed_after_a_restoration_and_none_says_so(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, AS_IT_IS)
    drop(page, image(tmp_path / "a.png", 300, 400, 3))
    prepared(page, "preview")
    page.click("#restore-now")
    prepared(page, "after")
    page.wait_for_timeout(300)
    before = page.locator("#viewer canvas").screenshot()
    choose_model(page, "classical:tv")
    prepared(page, "preview")
    page.wait_for_timeout(300)
    assert page.locator("#viewer canvas").screenshot() != before
    choose_model(page, "classical:inpaint")
    expect(page.locator(".tag.right")).not_to_have_text("preview")
    expect(page.locator("#restore-note")).to_contain_text("Paint")
    choose_model(page, "classical:tv")
    prepared(page, "preview")
    page.click("#restore-now")
    expect(page.locator("#side-right option")).to_have_count(2)  # nothing was thrown away
    page.select_option("#side-left", "after-1")
    expect(page.locator(".tag.left")).to_have_text("result 1")


def test_only_painted_images_are_changed(page: Page, running: Running, tmp_path: Path) -> None:
    look(page, running, "restore")
    choose_model(page, AS_IT_IS)
    drop(page, *(image(tmp_path / f"{place}.png", 60, 80, seed=place) for place in range(3)))
    expect(page.locator("#images li img")).to_have_count(3)
    page.check("#restore-mask")
    paint(page, 0.5, 0.5)
    expect(page.locator("#all-note")).to_contain_text("1 of 3 images have paint")
    expect(page.locator("#restore-all")).to_have_text("Restore all 1")
    page.click("#restore-all")
    prepared(page, "after")
    jobs = [job["about"] for job in get(page, "/api/jobs")["jobs"] if job["kind"] == "restore"]
    assert [(job["name"], job["mask"]) for job in jobs] == [("0.png", True)]


def test_a_batch_survives_a_reload_at_once_and_its_progress_is_in_the_title(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, AS_IT_IS)
    drop(page, *(image(tmp_path / f"{place}.png", 200, 200, 3, seed=place) for place in range(40)))
    expect(page.locator("#restore-all")).to_have_text("Restore all 40")
    page.route("**/api/restorations", lambda route: route.continue_())
    with page.expect_response("**/api/restorations"):
        page.click("#restore-all")
    page.reload()
    assert len([j for j in get(page, "/api/jobs")["jobs"] if j["kind"] == "restore"]) == 40
    page.wait_for_selector("body[data-ready=restore]")
    with page.expect_download(timeout=PATIENCE_MS) as download:
        expect(page.locator("#download-all")).to_have_text("Download all 40 as ZIP")
        page.click("#download-all")
    assert download.value.suggested_filename == "restored.zip"


def test_a_server_started_anew_is_noticed_and_images_are_sent_again(
    browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 820})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    with serving(tmp_path) as first:
        look(page, first, "restore")
        port = first.address.rstrip("/").rpartition(":")[2]
        drop(page, *(image(tmp_path / f"{place}.png", 60, 80, seed=place) for place in range(2)))
        expect(page.locator("#images li img")).to_have_count(2)
        choose_model(page, AS_IT_IS)
        page.click("#restore-now")
        prepared(page, "after")
        first.stop()
        expect(page.locator("#offline")).to_be_visible()
    with serving(tmp_path, "--port", port):
        expect(page.locator("#lost-told")).to_have_text(
            "The server was started anew. 2 images and 1 result were not kept."
        )
        expect(page.locator("#images li")).to_have_count(0)
        page.click("#send-again")
        expect(page.locator("#images li img")).to_have_count(2)
        # one that vanished without a word is removed without a word, too
        page.evaluate(
            """async () => { for (const one of await (await fetch("/api/images")).json())
                await fetch(`/api/images/${one.id}`, {method: "DELETE"}); }"""
        )
        expect(page.locator("#images li")).to_have_count(0)
    context.close()


def test_a_folder_is_dropped_with_its_tree_on_any_part_of_the_page(
    page: Page, running: Running, tmp_path: Path
) -> None:
    box = tmp_path / "box"
    (box / "1950").mkdir(parents=True)
    image(box / "a.png", 60, 80)
    image(box / "1950" / "b.png", 60, 80)
    (box / "1950" / "broken.png").write_text("not an image")
    for part in ("restore", "lab"):
        look(page, running, part)
        real_drop(page, box)
        expect(page.locator("#page-restore")).to_be_visible()
        expect(page.locator("#images li img")).to_have_count(2)
        expect(page.locator("#images .error")).to_have_count(1)
        folders = {each["name"]: each["folder"] for each in get(page, "/api/images")}
        assert folders == {"a.png": "box", "b.png": "box/1950"}
        clean_up(page)
        expect(page.locator("#images li img")).to_have_count(0)
        page.reload()


def test_two_folders_dropped_on_train_become_pairs_and_are_shown_before_it_begins(
    page: Page, running: Running, tmp_path: Path
) -> None:
    for folder in ("damaged", "clean"):
        (tmp_path / folder).mkdir()
        for place in range(3):
            image(tmp_path / folder / f"{place}.png", 60, 80, seed=place)
    look(page, running, "train")
    real_drop(page, tmp_path / "clean", tmp_path / "damaged")
    expect(page.locator("#train-found")).to_contain_text("3 pairs found")
    expect(page.locator("#train-degraded")).to_have_value("dropped here/damaged")
    expect(page.locator("#train-clean")).to_have_value("dropped here/clean")
    expect(page.locator("#train-sheet")).to_be_visible()
    expect(page.locator("#page-train")).to_be_visible()


def test_strokes_are_never_lost_and_can_be_undone_and_redone(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, "thorough")
    drop(page, image(tmp_path / "slow.png", 1000, 1000, 3), image(tmp_path / "a.png", 300, 400, 3))
    expect(page.locator("#images li img")).to_have_count(2)
    page.click("#restore-now")  # a job runs and changes the list meanwhile
    page.locator("#images li").nth(1).locator(".pick").click()
    choose_model(page, AS_IT_IS)
    prepared(page, "preview")
    page.check("#restore-mask")

    def late(route: Any) -> None:
        time.sleep(0.2)
        route.continue_()

    page.route("**/mask", late)
    for place in range(8):
        paint(page, 0.3 + 0.05 * place, 0.4)  # one of them across the divider
    expect(page.locator("#undo")).to_be_enabled()
    name = in_view(page).split()[0]
    until_strokes(page, name, 8)
    page.click("#clear-mask")
    until_strokes(page, name, 0)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    until_strokes(page, name, 8)
    for job in get(page, "/api/jobs")["jobs"]:
        page.evaluate("(id) => fetch(`/api/jobs/${id}/stop`, {method: 'POST'})", job["id"])


def test_a_mask_file_is_seen_and_painting_goes_on_from_it(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, AS_IT_IS)
    drop(page, image(tmp_path / "a.png", 300, 400, 3))
    prepared(page, "preview")
    page.check("#restore-mask")
    page.wait_for_timeout(300)
    before = page.locator("#viewer canvas").screenshot()
    mask = np.zeros((300, 400), np.uint8)
    mask[100:200, 50:150] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    page.set_input_files("#mask-file", tmp_path / "mask.png")
    expect(page.locator("#clear-mask")).to_be_enabled()
    page.wait_for_timeout(500)
    assert page.locator("#viewer canvas").screenshot() != before
    paint(page, 0.7, 0.5)
    page.wait_for_timeout(800)
    name = in_view(page).split()[0]
    kept = page.request.get(f"{running.address}api/images/{name}/mask.png").body()
    found = np.asarray(Image.open(io.BytesIO(kept)))
    assert found[150, 100] == 255
    assert (found[:, 200:] == 255).any()


def test_defects_are_found_and_offered_as_a_mask(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    pixels = np.asarray(Image.open(photograph(tmp_path / "aunt.png"))).copy()
    pixels[:, 198:202] = 250  # a scratch from top to bottom
    Image.fromarray(pixels).save(tmp_path / "scratched.png")
    drop(page, tmp_path / "scratched.png")
    prepared(page, "preview")
    page.check("#restore-mask")
    page.click("#find-defects")
    expect(page.locator("#clear-mask")).to_be_enabled()
    name = in_view(page).split()[0]
    assert get(page, f"/api/images/{name}")["mask_file"]
    assert get(page, f"/api/images/{name}")["results"] == []


def test_a_profile_that_exchanges_red_and_blue_is_followed(
    page: Page, running: Running, tmp_path: Path
) -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[..., 0] = 220
    (tmp_path / "scan.png").write_bytes(encoded(pixels, icc_profile=exchanged()))
    look(page, running, "restore")
    choose_model(page, AS_IT_IS)
    drop(page, tmp_path / "scan.png")
    prepared(page, "preview")
    size: list[int] = page.evaluate(
        "[document.querySelector('#viewer canvas').width, document.querySelector('#viewer canvas').height]"
    )
    for side in (-60, 60):  # before and preview
        shown = seen_pixels(page, size[0] // 2 + side, size[1] // 2 - 60, 4, 4)
        assert shown[0, 0, 2] > 150
        assert shown[0, 0, 0] < 60


def test_the_keyboard_finds_its_way(page: Page, running: Running, tmp_path: Path) -> None:
    look(page, running, "lab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # skip link
    expect(page.locator("#page-lab")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "main"
    look(page, running, "restore")
    drop(page, *(image(tmp_path / f"{place}.png", 60, 80, seed=place) for place in range(3)))
    expect(page.locator("#images li img")).to_have_count(3)
    page.locator("#images li .pick").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#images li").nth(1)).to_have_class("current")
    page.keyboard.press("Delete")
    expect(page.locator("#images li")).to_have_count(2)
    assert page.evaluate("document.activeElement.closest('#images') !== null")
    page.locator("[data-mode=slider]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-mode=side]")).to_have_attribute("aria-checked", "true")
    assert page.evaluate("document.activeElement.dataset.mode") == "side"
    page.click("#jobs-button")
    assert page.evaluate("document.activeElement.id") == "jobs"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "jobs-button"


def test_what_is_chosen_can_be_seen_in_forced_colours(
    browser: Browser, running: Running, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 820}, forced_colors="active")
    page = context.new_page()
    look(page, running, "restore")
    drop(page, image(tmp_path / "a.png", 60, 80), image(tmp_path / "b.png", 60, 80, seed=1))
    expect(page.locator("#images li img")).to_have_count(2)
    background = "(element) => getComputedStyle(element).backgroundColor"
    chosen = page.locator("[data-mode=slider]").evaluate(background)
    assert chosen != page.locator("[data-mode=side]").evaluate(background)
    current = page.locator("#images li.current .pick").evaluate(background)
    assert current != page.locator("#images li:not(.current) .pick").evaluate(background)
    clean_up(page)
    context.close()


def test_forty_five_pages_that_wait_do_not_delay_another(page: Page, running: Running) -> None:
    look(page, running, "restore")
    told = get(page, "/api/jobs")
    host = running.address.removeprefix("http://").rstrip("/")
    waiting = []
    for _ in range(45):
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request(
            "GET", f"/api/jobs?since={told['version']}&server={told['server']}&wait=20"
        )
        waiting.append(connection)
    answered = page.request.get(running.address, timeout=5000)
    assert answered.status == 200
    assert "restorae" in answered.text()
    for connection in waiting:
        connection.close()


def test_the_axes_of_a_plane_differ_and_a_theme_redraws_it(page: Page, running: Running) -> None:
    look(page, running, "latent")
    page.select_option("#latent-model", "digits-vae-strong")
    page.select_option("#axis-right", "1")
    expect(page.locator("#axis-up")).to_have_value("0")
    page.select_option("#latent-model", "digits-vae")
    page.select_option("#latent-model", "digits-vae-strong")
    page.select_option("#background", "clusters")
    legend = page.locator("#cluster-legend button")
    expect(legend).to_have_count(10)
    # axes in which the digits differ most come first
    spread = [float(text.split()[-1]) for text in page.locator("#axis-up option").all_inner_texts()]
    assert spread == sorted(spread, reverse=True)
    expect(page.locator("#axis-right option").first).to_have_attribute(
        "value", page.locator("#axis-right").input_value()
    )
    page.wait_for_timeout(300)
    before = page.locator("#plane").screenshot()
    legend.nth(3).click()
    page.wait_for_timeout(300)
    assert page.locator("#plane").screenshot() != before
    expect(legend.nth(3)).to_have_attribute("aria-pressed", "false")
    for background in ("plane", "clusters", ""):
        page.select_option("#background", background)
        page.wait_for_timeout(300)
        page.click("#theme-button")
    page.wait_for_timeout(200)
    assert not page.locator("#latent-note").inner_text()


def test_copying_selects_where_the_browser_does_not_allow_it(
    browser: Browser, running: Running
) -> None:
    context = browser.new_context()
    context.add_init_script("delete Navigator.prototype.clipboard")
    page = context.new_page()
    look(page, running, "lab")
    expect(page.locator("#lab-command")).to_contain_text("restorae train")
    page.locator("[data-copy=lab-command]").click()
    expect(page.locator("#said")).to_contain_text("Ctrl+C")
    assert str(page.evaluate("getSelection().toString()")).startswith("restorae train")
    context.close()


def test_an_image_is_restored_while_a_training_runs(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "train")
    page.fill("#train-name", "long")
    page.select_option("#train-network", "conv")
    page.click("#train-form button.main")
    expect(page.locator("#train-note")).to_contain_text("Started")
    look(page, running, "restore")
    choose_model(page, AS_IT_IS)
    drop(page, image(tmp_path / "a.png", 60, 80))
    prepared(page, "preview")
    page.click("#restore-now")
    prepared(page, "after")
    states = {job["kind"]: job["state"] for job in get(page, "/api/jobs")["jobs"]}
    assert states == {"train": "running", "restore": "done"}
    page.evaluate("fetch('/api/jobs/stop', {method: 'POST'})")
    expect(page.locator("#jobs-count")).to_be_hidden(timeout=300_000)


@pytest.mark.parametrize("example", ["faded-portrait", "stained-page", "grainy-snapshot"])
def test_the_examples_of_an_empty_page_are_restored(
    page: Page, running: Running, example: str
) -> None:
    look(page, running, "restore")
    page.click(f"[data-example={example}]")
    prepared(page, "after")
    expect(page.locator("#image-state")).to_contain_text("restored in")
    expect(page.locator("#empty")).to_be_hidden()


def test_a_model_made_for_other_images_asks_first(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context()
    with serving(tmp_path) as running:
        page = context.new_page()
        look(page, running, "restore")
        choose_model(page, "digits-denoiser")
        drop(page, image(tmp_path / "aunt.png", 200, 300, 3))
        expect(page.locator("#chosen-model")).to_contain_text("Made for other images")
        page.click("#restore-now")
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        assert get(page, "/api/jobs")["jobs"] == []
        context.close()


def test_a_film_is_dropped_previewed_trimmed_restored_and_downloaded(
    page: Page, running: Running, tmp_path: Path
) -> None:
    from tests import clips  # skips this test alone where PyAV is not installed

    clips.Clip(shade=[100] * 16).save(tmp_path / "aunt.mkv")
    look(page, running, "restore")
    drop(page, tmp_path / "aunt.mkv")  # anywhere on the page
    expect(page.locator("#page-film")).to_be_visible()
    expect(page.locator("#film-facts")).to_contain_text("ffv1")
    page.select_option("#film-model", "classical:median")
    page.locator("#film-at").fill("8")
    page.click("#film-preview")
    expect(page.locator("#film-strip button")).to_have_count(5)
    expect(page.locator("#film-after")).to_be_visible()
    page.locator("#film-strip button").nth(4).click()
    expect(page.locator("#film-time")).to_contain_text("frame 11 of 16")
    page.click("#film-begin")
    page.click("#film-restore")
    with page.expect_download() as download:
        page.click("#film-download")
    assert download.value.suggested_filename == "aunt-restored.mkv"
    download.value.save_as(tmp_path / "out.mkv")
    assert len(clips.decoded(tmp_path / "out.mkv")) == 6
    expect(page.locator("#film-note")).to_contain_text("restored in")
    page.get_by_role("button", name="Remove aunt.mkv").click()
    expect(page.locator("#film-blank")).to_be_visible()
    assert get(page, "/api/films")["films"] == []


def test_a_second_finger_beside_the_one_on_the_divider_zooms(
    browser: Browser, running: Running, tmp_path: Path
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 740}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    look(page, running, "restore")
    drop(page, image(tmp_path / "a.png", 300, 400))
    prepared(page, "preview")
    handle, view = page.locator(".handle").bounding_box(), page.locator("#viewer").bounding_box()
    assert handle is not None
    assert view is not None
    at = {"x": handle["x"] + handle["width"] / 2, "y": handle["y"] + handle["height"] / 2}
    session = context.new_cdp_session(page)
    zoom = page.locator("#zoom").inner_text()
    for apart in (60, 80, 110, 140):
        fingers = [{**at, "id": 0}, {"x": at["x"] + apart, "y": at["y"], "id": 1}]
        if apart == 60:
            session.send(
                "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers[:1]}
            )
            session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers})
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": fingers})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#zoom")).not_to_have_text(zoom)
    expect(page.locator(".handle")).to_have_attribute("aria-valuenow", "50")
    clean_up(page)
    context.close()


def test_an_upload_goes_on_by_itself_after_the_connection_was_lost(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, AS_IT_IS)
    lost = []

    def lose(route: Any) -> None:
        if route.request.method == "POST" and len(lost) < 2:
            lost.append(route.request.url)
            route.abort("connectionaborted")
        else:
            route.continue_()

    page.route("**/api/images?name=*", lose)
    drop(page, image(tmp_path / "a.png", 60, 80), image(tmp_path / "b.png", 60, 80, seed=1))
    expect(page.locator("#images li img")).to_have_count(2)
    expect(page.locator("#images .error")).to_have_count(0)
    assert len(lost) == 2


def test_a_clean_photograph_is_left_as_it_is_and_another_model_can_be_asked_for(
    page: Page, running: Running, tmp_path: Path
) -> None:
    shape = np.mgrid[:200, :300][0] // 2 + 60
    Image.fromarray(
        np.repeat(shape[..., None], 3, 2).astype(np.uint8) + np.uint8([0, 20, 40])
    ).save(tmp_path / "clean.png")
    look(page, running, "restore")
    drop(page, tmp_path / "clean.png")
    prepared(page, "preview")
    expect(page.locator("#image-state")).to_contain_text("No noise found")
    page.click("#restore-now")
    prepared(page, "after")
    expect(page.locator("#image-state")).to_contain_text("nothing changed")
    expect(page.locator("#images .told")).to_have_text("no noise found, unchanged")
    page.click("#denoise-anyway")
    expect(page.locator("#restore-model")).to_have_value("photo-denoiser")
    prepared(page, "preview")


def test_pages_of_a_stack_are_looked_at_one_by_one(
    page: Page, running: Running, tmp_path: Path
) -> None:
    shades = [
        Image.fromarray(np.full((60 + 20 * place, 80), 60 * place, np.uint8)) for place in range(4)
    ]
    shades[0].save(tmp_path / "book.tif", save_all=True, append_images=shades[1:])
    look(page, running, "restore")
    choose_model(page, AS_IT_IS)
    drop(page, tmp_path / "book.tif")
    prepared(page, "preview")
    expect(page.locator("#page-count")).to_have_text("of 4")
    page.fill("#page-number", "4")
    page.locator("#page-number").press("Enter")
    size: list[int] = page.evaluate(
        "[document.querySelector('#viewer canvas').width, document.querySelector('#viewer canvas').height]"
    )
    expect(page.locator("#page-on")).to_be_disabled()
    prepared(page, "preview")
    page.wait_for_timeout(500)
    assert (seen_pixels(page, size[0] // 2 - 40, size[1] // 2 - 60, 4, 4) == 180).all()
