"""Sections `pages` and `few` of the part `learning`: dirty pages, learned from pairs, many and eight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lesson.vae_quality import spread_over
from settings import Bench
from writing import table

from learning.data import (
    TEST_BACKGROUNDS,
    TEST_LAYOUTS,
    Page,
    PageSplit,
    place_of,
    read_pages,
    save_pairs,
    split_pages,
)
from learning.targets import FEW, PAGES
from learning.training import train, working_folder
from restorae.data import match, open_images
from restorae.evaluating import TestSet, evaluate
from restorae.model import load
from restorae.shapes import Images

MINUTES, MINUTES_OF_FEW, PAIRS = 10.0, 5.0, 8
RECIPE: Mapping[str, object] = {}
"""How pages are learned: as `restorae train` does by itself."""
NOTHING, START, STARTED = "from random weights", "the start model as it is", "from the start model"


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Train on the training pages; score the pages of other layouts and backgrounds."""
    source = place_of(bench, "dirty-documents")
    split = split_pages(read_pages(source / "pairs.csv"))
    degraded, clean = save_pairs(source, split.train, working_folder(bench) / "pages")
    trained = train(
        bench, "pages", RECIPE, MINUTES, {"degraded": degraded, "clean": clean}, bench.start
    )
    found: dict[str, Any] = {
        "train": len(split.train),
        "trained": trained.facts,
        "validation": _scored(bench, split.validation, trained.model.restore_images),
        "test": _scored(bench, split.test, trained.model.restore_images),
    }
    say(
        f"{len(split.train)} pairs in {trained.model.card.seconds:.0f} s: RMSE {found['test']['restored']:.4f}"
    )
    return found


def _scored(
    bench: Bench, pages: Sequence[Page], restore: Callable[[Images], Images]
) -> dict[str, Any]:
    """The mean of the pages' RMSEs, of what came and of what was restored, and how many pages there are."""
    found = evaluate(restore, _exam(bench, pages), with_ssim=False)
    each = {
        "degraded": [page.degraded.rmse for page in found.images],
        "restored": [page.restored.rmse for page in found.images],
    }
    return {
        "count": found.count,
        **{name: sum(values) / len(values) for name, values in each.items()},
    }


def _exam(bench: Bench, pages: Sequence[Page]) -> TestSet:
    degraded, clean = save_pairs(
        place_of(bench, "dirty-documents"), pages, working_folder(bench) / "pages-held-out"
    )
    pairs, _ = match(open_images(degraded), open_images(clean))
    return TestSet(pairs.clean, degraded=pairs.degraded)


def goals(found: Mapping[str, Any]) -> list[list[str]]:
    """The RMSE on test pages."""
    return [
        PAGES.row(
            "dirty pages of another layout and background: RMSE", found["test"]["restored"], 4
        )
    ]


def report(found: Mapping[str, Any]) -> list[str]:
    """What came and what was restored, on pages to choose by and on test pages."""
    rows = [
        [
            f"{name} pages ({found[name]['count']})",
            *(f"{found[name][key]:.4f}" for key in ("degraded", "restored")),
        ]
        for name in ("test", "validation")
    ]
    return [
        table(["RMSE, 0 to 1, mean of the pages'", "degraded", "restored"], rows),
        f"Learned from {found['train']} pairs: {_trained(found['trained'])}. Training, validation and test pages share no layout and "
        f"no background: the test uses layouts {_listed(TEST_LAYOUTS)} over background {_listed(TEST_BACKGROUNDS)}; settings are "
        "chosen on validation pages. All pages show the same text.",
    ]


# eight pairs


def eight_of(split: PageSplit) -> list[Page]:
    """Eight training pages of eight layouts, evenly spread, their backgrounds in turn."""
    layouts, backgrounds = (
        sorted({getattr(page, kind) for page in split.train}) for kind in ("layout", "background")
    )
    wanted = [
        (layouts[place], backgrounds[turn % len(backgrounds)])
        for turn, place in enumerate(spread_over(len(layouts), PAIRS))
    ]
    return [page for page in split.train if (page.layout, page.background) in wanted]


def measure_few(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """Train on eight pairs from random weights and from a start model, and score both and the start model alone."""
    source = place_of(bench, "dirty-documents")
    split = split_pages(read_pages(source / "pairs.csv"))
    eight = eight_of(split)
    degraded, clean = save_pairs(source, eight, working_folder(bench) / "few")
    data: dict[str, Path] = {"degraded": degraded, "clean": clean}
    ways: dict[str, dict[str, Any]] = {}
    from_nothing = train(bench, "few-from-nothing", RECIPE, MINUTES_OF_FEW, data)
    ways[NOTHING] = {
        **_scored(bench, split.test, from_nothing.model.restore_images),
        "trained": from_nothing.facts,
    }
    say(f"{NOTHING}: RMSE {ways[NOTHING]['restored']:.4f}")
    started = train(bench, "few-from-start", RECIPE, MINUTES_OF_FEW, data, bench.start)
    start = started.model.card.started_from.partition(":")[0]
    if start:
        begun = load(bench.start or start)
        ways[START] = _scored(bench, split.test, begun.restore_images)
        ways[STARTED] = {
            **_scored(bench, split.test, started.model.restore_images),
            "trained": started.facts,
        }
        for way in (START, STARTED):
            say(f"{way} ({start}): RMSE {ways[way]['restored']:.4f}")
    else:
        say("restorae train chose no start model; left out")
    return {"pairs": len(eight), "start": start, "ways": ways}


def goals_of_few(found: Mapping[str, Any]) -> list[list[str]]:
    """The RMSE of what `restorae train` does by itself: from the start model where it takes one."""
    way = STARTED if STARTED in found["ways"] else NOTHING
    return [
        FEW.row(
            f"the same from {found['pairs']} pairs, {way}: RMSE", found["ways"][way]["restored"], 4
        )
    ]


def report_few(found: Mapping[str, Any]) -> list[str]:
    """The ways beside each other, and whether going on beats both of its alternatives."""
    ways = found["ways"]
    first = ways[NOTHING]
    rows = [
        ["degraded", f"{first['degraded']:.4f}"],
        *([way, f"{scores['restored']:.4f}"] for way, scores in ways.items()),
    ]
    paragraphs = [
        table([f"RMSE on {first['count']} test pages, {found['pairs']} pairs", "restored"], rows)
    ]
    how = f"The test pages are those above; from random weights, {_trained(first['trained'])}. "
    if found["start"]:
        best = min(ways, key=lambda way: ways[way]["restored"])
        how += (
            f"The start model is `{found['start']}`; from there, {_trained(ways[STARTED]['trained'])}. Continuing from it "
            f"{'beats' if best == STARTED else 'does not beat'} both the start model and training from random weights."
        )
    else:
        how += "`restorae train` chose no start model, and none was given with `--start`."
    return [*paragraphs, how]


def _trained(facts: Mapping[str, Any]) -> str:
    begun = f", begun from {facts['started_from']}" if facts.get("started_from") else ""
    return (
        f"`{facts['network']}`, {facts['parameters']:,} parameters, {facts['steps']:,} steps "
        f"in {facts['seconds'] / 60:.3g} minutes{begun}"
    )


def _listed(numbers: Sequence[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last
