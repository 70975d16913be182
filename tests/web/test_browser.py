"""The pages as a person uses them, in a real browser."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as TooLong

import restorae
from tests.command import run
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
    seen_pixels,
    serving,
)

pytest_plugins = ["tests.web.browser_fixtures"]
pytestmark = pytest.mark.slow
PAGES = ("restore", "film", "lab", "latent", "train")


# --------------------------------------------------------------------------------------------------------- restore


def test_the_first_photograph_in_a_fresh_browser_is_restored_by_a_model_for_photographs(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    expect(page.locator("#restore-model")).to_have_value("")
    drop(page, image(tmp_path / "aunt.png", 64, 80))
    prepared(page, "preview")
    expect(page.locator("#chosen-model")).to_contain_text("Photographs: noise of cameras")
    page.click("#restore-now")
    prepared(page, "after")
    expect(page.locator("#image-state")).to_contain_text("By Photographs: noise of cameras")
    drop(page, image(tmp_path / "digit.png", 28, 28))
    expect(page.locator("#chosen-model")).to_contain_text("Handwritten digits")


def test_several_views_are_offered_where_they_do_good(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, "small")
    expect(page.locator("#restore-self_ensemble")).to_be_hidden()  # it never saw a digit lie down
    choose_model(page, "photo-denoiser")
    drop(page, image(tmp_path / "noisy.png", 64, 80))
    prepared(page, "preview")
    page.get_by_label("Self-ensemble").select_option("2")
    page.click("#restore-now")
    prepared(page, "after")
    jobs = page.evaluate("fetch('/api/jobs').then((answer) => answer.json())")["jobs"]
    assert jobs[-1]["about"]["self_ensemble"] == 2
    page.get_by_label("Self-ensemble").select_option("Standard")
    expect(page.locator("#image-state")).to_contain_text("Preview of changed settings")
    prepared(page, "preview")
    choose_model(page, "small")
    choose_model(page, "photo-denoiser")
    expect(page.locator("#restore-self_ensemble")).to_have_value("1")


def test_how_far_off_a_result_may_be_lies_over_it_with_a_word_on_what_it_means(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, "small")
    expect(page.locator("#restore-error_map")).to_be_hidden()  # nobody knows of that one
    choose_model(page, "photo-denoiser")
    drop(page, image(tmp_path / "noisy.png", 64, 80))
    prepared(page, "preview")
    page.get_by_text("More settings", exact=True).first.click()
    page.get_by_label("Error map").check()
    expect(page.locator("#restore-strength")).to_be_disabled()
    page.click("#restore-now")
    prepared(page, "after")
    expect(page.get_by_label("Overlay")).to_have_value("error")  # what was asked for is shown
    expect(page.locator("#legend")).to_contain_text("51 of 255")
    page.get_by_role("slider", name="Before to the left, after to the right").focus()
    page.keyboard.press("Home")
    prepared(page, "after")
    with page.expect_download() as download:
        page.click("#download-map")
    error = np.asarray(Image.open(download.value.path()))
    assert error.shape == (64, 80)
    view = page.locator("#viewer").bounding_box()
    assert view is not None
    page.mouse.move(view["x"] + view["width"] / 2, view["y"] + view["height"] / 2)
    expect(page.locator("#pixel")).to_contain_text("90 % of errors below")
    told = [int(number) for number in re.findall(r"\d+", page.locator("#pixel").inner_text())]
    column, row, bound = told[0], told[1], told[-2]
    assert bound == round(error[row, column] / 5)
    before = page.locator("#viewer canvas").screenshot()
    page.get_by_label("Overlay").select_option("none")
    expect(page.locator("#legend")).to_be_hidden()
    page.wait_for_timeout(200)
    assert page.locator("#viewer canvas").screenshot() != before


def test_a_dropped_image_is_restored_compared_and_downloaded_as_the_command_line_does(
    page: Page, running: Running, tmp_path: Path
) -> None:
    source = image(tmp_path / "aunt.png", 120, 160, 3)
    look(page, running, "restore")
    choose_model(page, "small")
    drop(page, source)
    prepared(page, "preview")
    page.click("#restore-now")
    prepared(page, "after")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "aunt-restored.png"
    model = running.folder / "models" / "small.safetensors"
    assert run("restore", source, "--model", model, "--out", "cli.png", cwd=tmp_path).status == 0
    assert Path(download.value.path()).read_bytes() == (tmp_path / "cli.png").read_bytes()
    # pixel by pixel on the screen: before to the left of the slider, after to the right of it
    page.click("#zoom-one")
    expect(page.locator("#zoom")).to_have_text("100 %")
    prepared(page, "after")
    size: list[int] = page.evaluate(
        "[document.querySelector('#viewer canvas').width, document.querySelector('#viewer canvas').height]"
    )
    left, top = (round(side / 2 - half) for side, half in zip(size, (80, 60), strict=True))
    shown = seen_pixels(page, left, top, 160, 120)
    before, after = (
        np.asarray(Image.open(path).convert("RGB")) for path in (source, tmp_path / "cli.png")
    )
    assert np.array_equal(shown[:, :79], before[:, :79])
    assert np.array_equal(shown[:, 81:], after[:, 81:])
    handle = page.get_by_role("slider", name="Before to the left, after to the right")
    handle.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(200)
    assert np.array_equal(seen_pixels(page, left, top, 160, 120), after)
    page.keyboard.press("End")
    page.wait_for_timeout(200)
    assert np.array_equal(seen_pixels(page, left, top, 160, 120), before)


def test_the_slider_is_moved_with_the_pointer_and_both_sides_share_one_zoom(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, "small")
    drop(page, image(tmp_path / "a.png", 450, 650, 3))
    prepared(page, "preview")
    handle = page.locator(".handle")
    place, view = handle.bounding_box(), page.locator("#viewer").bounding_box()
    assert place is not None
    assert view is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + 200)
    page.mouse.down()
    page.mouse.move(view["x"] + view["width"] * 0.25, place["y"] + 220, steps=5)
    page.mouse.up()
    assert handle.get_attribute("aria-valuenow") == "25"
    zoom = page.locator("#zoom").inner_text()
    page.mouse.move(view["x"] + 300, view["y"] + 300)
    page.mouse.wheel(0, -400)
    expect(page.locator("#zoom")).not_to_have_text(zoom)
    page.click("text=Side by side")
    expect(handle).to_be_hidden()
    expect(page.locator(".tag.left")).to_be_visible()
    page.click("#zoom-one")
    for _ in range(12):
        page.click("#zoom-in")
    expect(page.locator("#zoom")).to_have_text("6400 %")  # single pixels
    page.locator("#viewer canvas").focus()
    page.keyboard.press("0")
    expect(page.locator("#zoom")).not_to_have_text("6400 %")


def test_a_mask_is_painted_and_only_that_is_changed(
    page: Page, running: Running, tmp_path: Path
) -> None:
    source = image(tmp_path / "a.png", 300, 400, 3)
    look(page, running, "restore")
    choose_model(page, "small")
    drop(page, source)
    prepared(page, "preview")
    page.check("#restore-mask")
    view = page.locator("#viewer").bounding_box()
    assert view is not None
    for place in (0.4, 0.55):
        page.mouse.move(view["x"] + view["width"] * place, view["y"] + view["height"] * 0.4)
        page.mouse.down()
        page.mouse.move(
            view["x"] + view["width"] * place + 60, view["y"] + view["height"] * 0.6, steps=6
        )
        page.mouse.up()
    page.click("#undo")
    image_id = in_view(page).split()[0]
    told = {"strokes": []}
    for _ in range(50):
        told = page.evaluate("async (id) => (await fetch(`/api/images/${id}`)).json()", image_id)
        if len(told["strokes"]) == 1:
            break
        page.wait_for_timeout(50)
    assert len(told["strokes"]) == 1
    page.click("#restore-now")
    prepared(page, "after")
    with page.expect_download() as download:
        page.click("#download")
    changed = (np.asarray(Image.open(download.value.path())) != np.asarray(Image.open(source))).any(
        2
    )
    columns = np.nonzero(changed)[1]
    assert changed.any()
    assert changed.mean() < 0.3
    assert columns.max() < 0.8 * 400


def test_several_images_wait_are_cancelled_and_outlive_a_reload(
    page: Page, running: Running, tmp_path: Path
) -> None:
    look(page, running, "restore")
    choose_model(page, "thorough")
    files = [image(tmp_path / f"{place}.png", 1000, 1000, 3, seed=place) for place in range(4)]
    page.set_input_files("#files", files)
    expect(page.locator("#images li")).to_have_count(4)
    expect(page.locator("#restore-all")).to_have_text("Restore all 4", timeout=60_000)
    page.click("#restore-all")
    expect(page.locator("#images")).to_contain_text("waiting: next")
    expect(page.locator("#images")).to_contain_text("1 before it")
    page.reload()
    page.wait_for_selector("body[data-ready=restore]")
    expect(page.locator("#images li")).to_have_count(4)
    expect(page.locator("#images")).to_contain_text("waiting: next")
    page.get_by_role("button", name="Cancel 3.png").click()
    # a second tab sees the same, and may cancel too
    other = page.context.new_page()
    look(other, running, "restore")
    expect(other.locator("#images li", has_text="3.png")).to_contain_text("Cancelled")
    other.get_by_role("button", name="Cancel 2.png").click()
    expect(page.locator("#images li", has_text="2.png")).to_contain_text("Cancelled")
    for place in (1, 0):
        with contextlib.suppress(TooLong):  # on a fast machine these may be over already
            page.get_by_role("button", name=f"Cancel {place}.png").click(timeout=5000)
    expect(page.locator("#jobs-count")).to_be_hidden(timeout=300_000)
    expect(other.locator("#jobs-count")).to_be_hidden()
    page.get_by_role("button", name="3.png Cancelled.").click()
    expect(page.locator("#download")).to_be_hidden()  # there is no result of what was cancelled
    other.close()


def test_two_tabs_and_a_third_browser_restore_at_once_and_see_the_same(
    page: Page, browser: Browser, running: Running, tmp_path: Path
) -> None:
    elsewhere = browser.new_context()
    other, third = page.context.new_page(), elsewhere.new_page()
    for tab, name in ((page, "one.png"), (other, "two.png"), (third, "three.png")):
        look(tab, running, "restore")
        choose_model(tab, "small")
        drop(tab, image(tmp_path / name, 90, 90))
        prepared(tab, "preview")
    for tab in (page, other, third):
        tab.click("#restore-now")
    for tab in (page, other, third):
        prepared(tab, "after")
        expect(tab.locator("#images .told")).to_have_text(["restored"] * 3)
    third.get_by_role("button", name="Remove one.png").click()
    third.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator("#images li")).to_have_count(2)
    other.close()
    elsewhere.close()


def test_what_is_no_image_is_reported_where_it_was_dropped(
    page: Page, running: Running, tmp_path: Path
) -> None:
    (tmp_path / "letter.png").write_text("<svg onload=alert(1)>")
    look(page, running, "restore")
    drop(page, tmp_path / "letter.png")
    expect(page.locator("#images .error")).to_contain_text(
        "letter.png: has the format SVG, which is not read"
    )
    page.get_by_role("button", name="Remove letter.png").click()
    expect(page.locator("#images li")).to_have_count(0)


# -------------------------------------------------------------------------------------------------------- the others


def test_sliders_of_the_lab_change_damage_scores_and_spec(page: Page, running: Running) -> None:
    look(page, running, "lab")
    expect(page.locator("#lab-spec")).to_have_text("gaussian-noise(sigma=0.15)")
    expect(page.locator("#lab-restored-scores")).to_contain_text("PSNR")
    before = page.locator("#lab-degraded-scores").inner_text()
    page.get_by_role("slider", name="sigma").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#lab-degraded-scores")).not_to_have_text(before)
    expect(page.locator("#lab-spec")).to_have_text("gaussian-noise(sigma=0.25)")
    page.select_option("#add-damage", "blur")
    page.click("#add")
    expect(page.locator("#lab-spec")).to_have_text("gaussian-noise(sigma=0.25) | blur")
    page.get_by_role("button", name="Move blur up").click()
    expect(page.locator("#lab-spec")).to_have_text("blur | gaussian-noise(sigma=0.25)")
    page.locator(".link").nth(0).drag_to(
        page.locator(".link").nth(1), target_position={"x": 80, "y": 120}
    )
    expect(page.locator("#lab-spec")).to_have_text("gaussian-noise(sigma=0.25) | blur")
    page.get_by_role("button", name="sigma: a range").first.click()
    expect(page.locator("#lab-spec")).to_contain_text("sigma=0.25..")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy=lab-command]").click()
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("restorae train --clean IMAGES --with '")
    page.click("#lab-train")
    expect(page.locator("#train-damage")).to_have_value(
        page.locator("#lab-spec").text_content() or ""
    )


def test_every_kind_of_damage_has_its_sliders_and_draws(page: Page, running: Running) -> None:
    look(page, running, "lab")
    kinds: list[dict[str, Any]] = page.evaluate(
        "async () => (await fetch('/api/degradations')).json()"
    )
    page.select_option("#lab-model", "")
    for kind in kinds:
        page.locator(".link [aria-label^='Remove']").first.click()
        page.select_option("#add-damage", kind["kind"])
        page.click("#add")
        expect(page.locator("#lab-spec")).to_have_text(kind["kind"])
        settings = page.locator(".link .setting")
        expect(settings).to_have_count(len(kind["schema"].get("properties", {})))
        assert not page.locator("#lab-note").inner_text()


def test_the_decoded_image_follows_the_pointer(page: Page, running: Running) -> None:
    look(page, running, "latent")
    box = page.locator("#plane").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.25)
    expect(page.locator("#decoded-at")).to_contain_text("at (1.8")
    page.wait_for_function(
        """() => document.querySelector("#decoded-at").textContent.slice(4, -1) ===
          (document.querySelector("#decoded").dataset.at ?? "").split(",").map((each) => Number(each).toFixed(2)).join(", ")"""
    )
    place = [
        float(number)
        for number in (page.locator("#decoded-at").text_content() or "")[4:-1].split(",")
    ]
    shown: list[int] = page.evaluate(
        "Array.from(document.querySelector('#decoded').getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    expected = np.rint(255 * restorae.load("digits-vae").decode(np.asarray([place], np.float32))[0])
    assert (
        np.abs(np.asarray(shown).reshape(28, 28, 4)[..., 0] - expected).max() <= 3
    )  # the caption rounds the place
    page.mouse.down()
    page.mouse.up()
    page.click("#set-start")
    page.locator("#plane").focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    page.click("#set-end")
    page.click("#play")
    expect(page.locator("#play")).to_have_text("Play", timeout=60_000)
    with page.expect_download() as download:
        page.click("#save-gif")
    with Image.open(download.value.path()) as walk:
        assert getattr(walk, "n_frames", 1) == 46
    page.click("#draw-samples")
    expect(page.locator("#samples button")).to_have_count(16)
    page.locator("#samples button").nth(3).click()


def test_an_image_falls_somewhere_in_latent_space(
    page: Page, running: Running, tmp_path: Path
) -> None:
    digit = restorae.open_images("digits", "test").batch([3]).numpy()[0, 0]
    Image.fromarray(np.rint(digit * 255).astype(np.uint8)).save(tmp_path / "three.png")
    look(page, running, "latent")
    page.set_input_files("#latent-file", tmp_path / "three.png")
    expect(page.locator("#latent-note")).to_contain_text("three.png is encoded at (")
    expect(page.locator("#encoded-image")).to_be_visible()
    page.select_option("#latent-model", "digits-vae-strong")
    expect(page.locator("#coordinates input")).to_have_count(40)
    page.select_option("#axis-right", "5")
    page.select_option("#background", "clusters")


def test_a_training_is_started_watched_stopped_and_resumed(page: Page, running: Running) -> None:
    look(page, running, "train")
    page.fill("#train-name", "from-the-page")
    # small, so that a busy machine validates it in time
    page.select_option("#train-network", "conv")
    page.select_option("#train-unit", "steps")
    page.fill("#train-length", "2000")
    page.click("#train-form button.main")
    card = page.locator(".training").first
    expect(card).to_contain_text("from-the-page")
    expect(card.locator("header .note")).to_contain_text("gaussian-noise(sigma=0.05..0.2)")
    page.reload()
    page.wait_for_selector("body[data-ready=train]")
    expect(card.locator(".charts")).to_be_visible(timeout=400_000)
    expect(card.locator(".looks img")).to_be_visible(timeout=400_000)
    card.get_by_role("button", name="Stop").click()
    expect(card).to_contain_text("a checkpoint was kept", timeout=300_000)
    card.get_by_role("button", name="Resume").click()
    expect(page.locator(".training")).to_have_count(2)
    expect(page.locator(".training").first.get_by_role("button", name="Stop")).to_be_visible()
    page.locator(".training").first.get_by_role("button", name="Stop").click()
    expect(page.locator("#jobs-count")).to_be_hidden(timeout=300_000)


def test_a_finished_training_can_be_used_at_once(page: Page, running: Running) -> None:
    look(page, running, "train")
    page.fill("#train-name", "short")
    page.select_option("#train-network", "conv")
    page.select_option("#train-unit", "steps")
    page.fill("#train-length", "60")
    page.get_by_text("More settings").locator("visible=true").click()
    page.select_option("#train-start", "nothing")
    with page.expect_request("**/api/trainings") as sent:
        page.click("#train-form button.main")
    assert sent.value.post_data_json["start_from"] == "nothing"
    page.get_by_role("link", name="Use it").click(timeout=240_000)
    expect(page.locator("#restore-model")).to_have_value("short")
    look(page, running, "train")
    page.fill("#train-name", "short")
    page.click("#train-form button.main")
    expect(page.locator("#train-note")).to_contain_text("already")


# --------------------------------------------------------------------------------------------------------- for everyone


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_accessibility_violations(
    browser: Browser, running: Running, tmp_path: Path, scheme: Any
) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 820}, color_scheme=scheme, bypass_csp=True
    )  # axe is put into the page
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    found = []
    for name in PAGES:
        look(page, running, name)
        if name == "restore":
            drop(page, image(tmp_path / "a.png", 90, 90))
            prepared(page, "preview")
            page.check("#restore-mask")
            page.locator("#model-card > summary").click()
            page.click("#jobs-button")
        if name == "lab":
            expect(page.locator("#lab-restored-scores")).to_contain_text("PSNR")
        page.wait_for_timeout(200)
        violations = Axe().run(page).response["violations"]
        found += [
            (name, each["id"], [node["html"][:120] for node in each["nodes"][:3]])
            for each in violations
            if each["impact"] in ("serious", "critical")
        ]
    clean_up(page)
    context.close()
    assert not found, json.dumps(found, indent=1)


def test_the_theme_is_chosen_and_kept(page: Page, running: Running) -> None:
    look(page, running, "restore")
    before: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme-button")
    after: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    page.reload()
    page.wait_for_selector("body[data-ready=restore]")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after


def test_all_can_be_done_with_the_keyboard(page: Page, running: Running) -> None:
    look(page, running, "restore")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.dataset.page || document.activeElement.tagName"
            )
        )
    assert {
        "restore",
        "film",
        "lab",
        "latent",
        "train",
        "files",
        "restore-model",
        "restore-strength",
        "restore-mask",
        "theme-button",
        "jobs-button",
    } <= reached


def test_beyond_this_machine_the_page_asks_for_a_token(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0") as running:
        address, _, token = running.address.partition("?token=")
        port = address.rstrip("/").rpartition(":")[2]
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        expect(page.locator("h1")).to_have_text("A token, please")
        page.fill("input[name=token]", token)
        page.click("button")
        page.wait_for_selector("body[data-ready=restore]")
        assert "token" not in page.url
        context.close()


def test_a_server_that_ends_is_missed_and_leaves_nothing(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "kept"))
    with serving(tmp_path) as running:
        context = browser.new_context()
        page = context.new_page()
        look(page, running, "restore")
        drop(page, image(tmp_path / "a.png", 90, 90))
        expect(page.locator("#images li")).to_have_count(1)
        assert list((tmp_path / "kept").glob("restorae-page-*"))
        assert running.stop() == 0
        expect(page.locator("#offline")).to_be_visible()
        context.close()
    assert not list((tmp_path / "kept").glob("restorae-page-*"))
