"""Hundreds of images, some of them broken, from a drop to a reload; and that what is said for a moment covers nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser import Running, choose_model, drop, image, look, real_drop

pytest_plugins = ["tests.web.browser_fixtures"]
pytestmark = pytest.mark.slow
COUNT, EVERY = 320, 32
COVERED = """(which) => {
    const said = document.querySelector("#said");
    const box = said.getBoundingClientRect();
    if (box.top < 0 || box.bottom > innerHeight || !box.height) return ["it is out of view itself"];
    const covered = (each) => {
        const other = each.getBoundingClientRect();
        const left = Math.max(box.left, other.left), top = Math.max(box.top, other.top);
        if (left >= Math.min(box.right, other.right) || top >= Math.min(box.bottom, other.bottom)) return false;
        const seen = each.checkVisibility({visibilityProperty: true, opacityProperty: true});
        return seen && said.contains(document.elementFromPoint(left, top));
    };
    return [...document.querySelectorAll(which)].filter(covered).map((each) => each.id || each.className || each.textContent);
}"""
"""The elements of those that are covered by what is said."""


def test_a_folder_with_broken_files_is_seen_through_to_the_end(
    page: Page, running: Running, tmp_path: Path
) -> None:
    box = tmp_path / "box"
    box.mkdir()
    names = [f"{number:03}.png" for number in range(COUNT)]
    broken = names[7::EVERY]
    for number, name in enumerate(names):
        path = image(box / name, 32, 32, seed=number)
        if name in broken:
            path.write_bytes(path.read_bytes()[:300])
    look(page, running, "restore")
    choose_model(page, "classical:median")
    real_drop(page, box)
    whole, waiting, failed = (
        page.locator(f"#filter option[value='{value}']") for value in ("", "waiting", "failed")
    )
    shown = page.locator("#images li .name")
    with page.expect_response("**/api/restorations") as answer:
        for _ in range(2):  # before and after a reload
            expect(failed).to_have_text(f"failed {len(broken)}")
            expect(waiting).to_have_text("waiting 0")
            expect(whole).to_have_text(f"all {COUNT}")
            page.select_option("#filter", "failed")
            expect(shown).to_have_text(broken)
            expect(page.locator("#images .told.error")).to_have_count(len(broken))
            page.select_option("#filter", "")
            page.reload()
        page.click("#restore-all")
    assert len(answer.value.json()["jobs"]) == COUNT - len(broken)
    # of a long list only a part has rows; the others come as one looks for them, in the order of their names
    page.locator("#images li.current .pick").focus()
    page.keyboard.press("Home")
    expect(page.locator("#images li.current")).to_have_attribute("aria-posinset", "1")
    seen: list[str] = []
    for _ in range(40):
        seen += [name for name in shown.all_text_contents() if name not in seen]
        page.locator("#images").evaluate("list => list.scrollBy(0, 2500)")
        page.wait_for_timeout(60)
        if len(seen) == COUNT:
            break
    assert seen == names
    page.get_by_role("button", name=f"Remove {broken[-1]}").click()
    expect(whole).to_have_text(f"all {COUNT - 1}")
    assert len(page.evaluate("fetch('/api/refused').then((it) => it.json())")) == len(broken) - 1
    page.evaluate("document.getElementById('cancel-batch').click()")  # all may be done by now
    expect(page.locator("#batch")).to_be_hidden()


@pytest.mark.parametrize("size", [(1440, 900), (1366, 650), (900, 700), (390, 844)], ids=str)
def test_what_is_said_for_a_moment_covers_nothing(
    page: Page, running: Running, tmp_path: Path, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    look(page, running, "restore")
    drop(page, image(tmp_path / "a.png", 60, 80), image(tmp_path / "b.png", 60, 80))
    expect(page.locator("#images li img")).to_have_count(2)
    page.get_by_role("button", name="Remove a.png").click()
    expect(page.locator("#said")).to_have_text("a.png was removed.Undo")
    page.evaluate("import('/tools.js').then((tools) => tools.say('word '.repeat(40), () => {}))")
    page.evaluate("scrollTo(0, 0)")
    everything = "nav a, .tools button, .brand, .side *, .stage *, .foot *, .bar *, .under *"
    assert page.evaluate(COVERED, everything) == []
    page.mouse.wheel(
        0, 400
    )  # on a phone, what scrolls goes below it, and what stays in view does not
    page.wait_for_timeout(200)
    assert page.evaluate(COVERED, ".restore .stage *, .foot *") == []
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_be_empty()
