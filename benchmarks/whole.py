"""Part `whole`: images of 1 to 1,000 megapixels through the command, against other denoisers, in tiles, and a folder of photos."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contestants import open_image, start_bm3d, start_whole, threads_of
from interleaved_timing import ContestantFailed, Spread, in_turns, seconds_of
from memory_watch import Watched, watch
from settings import Bench
from test_images import PHOTO, SIGMA, save_array, save_model, save_photos, save_tiff, side_of
from whole_worker import OUT_OF_MEMORY
from writing import table

TITLE = "Whole images"
_OFTEN = 24
"""Megapixels up to which a TIFF is restored in every round; larger ones take long enough to be told from one time."""
_SMALLEST = 0.1
_GIB = 2**30
_OTHERS = {
    "dncnn": "DnCNN, 17 layers of 64 features, in PyTorch, float32",
    "float32": "restorae, `unet`, float32",
    "auto": "restorae, `unet`",
    "nlm": "non-local means, scikit-image's `denoise_nl_means` in its fast mode",
    "bm3d": "BM3D, `bm3d` from PyPI",
}


def measure(bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    """The four measurements one by one; what they leave on the disk is removed when it has been used."""
    folder = bench.folder / "whole"
    folder.mkdir(parents=True, exist_ok=True)
    models = {
        channels: save_model(folder / f"unet-{channels}.safetensors", channels, bench.seed)
        for channels in (1, 3)
    }
    facts, peers = _against_others(bench, models[1], say)
    return {
        **facts,
        "peers": peers,
        "tiled": _tiled(bench, models[3], say),
        "tiffs": [_tiff(bench, models[3], megapixels, say) for megapixels in bench.tiff_megapixels],
        "photos": _photos(bench, models[3], say),
    }


def _restore(bench: Bench, given: Path, model: Path, out: Path, *options: str) -> Watched:
    """The command as it is typed, watched."""
    command = [
        str(Path(sys.executable).parent / "restorae"),
        "restore",
        str(given),
        "--model",
        str(model),
        "--out",
        str(out),
        *options,
    ]
    return watch(command, threads_of(bench), bench.folder / "logs" / "command.txt")


# the largest of images, through the command


def _tiff(bench: Bench, model: Path, megapixels: int, say: Callable[[str], None]) -> dict[str, Any]:
    given, out = (bench.folder / "whole" / name for name in ("scan.tif", "restored.tif"))
    save_tiff(given, megapixels, bench.seed)
    runs = []
    try:
        for _ in range(bench.rounds if megapixels <= _OFTEN else 1):
            # --max-pixels: what is larger than a person's image is refused unless it is asked for
            runs.append(
                _restore(
                    bench,
                    given,
                    model,
                    out,
                    "--overwrite",
                    "--max-pixels",
                    str(side_of(megapixels) ** 2),
                )
            )
            say(
                f"{_size(megapixels)}: {runs[-1].seconds:.1f} s, {runs[-1].anonymous / _GIB:.2f} GiB"
            )
        size = given.stat().st_size
    finally:
        for path in (given, out):
            path.unlink(missing_ok=True)
    return {"megapixels": megapixels, "bytes": size, "runs": [asdict(run) for run in runs]}


# other denoisers, in memory


def _against_others(
    bench: Bench, model: Path, say: Callable[[str], None]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    with ExitStack() as stack:
        contestants = {
            "dncnn": stack.enter_context(start_whole(bench, "dncnn", "dncnn")),
            "auto": stack.enter_context(start_whole(bench, "restorae whole", "tiled", model)),
        }
        hello = contestants["auto"].hello
        if hello["machine"]["precision"] != "float32":
            contestants["float32"] = stack.enter_context(
                start_whole(bench, "restorae whole float32", "tiled", model, "float32")
            )
        contestants["nlm"] = stack.enter_context(start_whole(bench, "nlm", "nlm"))
        # minutes for an image: it has its time once, and neither a warm-up nor rounds
        bm3d = stack.enter_context(start_bm3d(bench, SIGMA))
        everyone, found = {**contestants, "bm3d": bm3d}, []
        for megapixels in bench.peers_megapixels:
            say(f"{_size(megapixels)}, grey, one denoiser after the other")
            open_image(
                everyone,
                save_array(bench.folder / "whole" / "noisy.npy", megapixels, 1, bench.seed),
            )
            laps = in_turns(contestants, {"do": "restore"}, bench.rounds, say)
            once = {"bm3d": bm3d.ask("restore")}
            say(f"bm3d {once['bm3d']['seconds']:.1f} s")
            found.append({"megapixels": side_of(megapixels) ** 2 / 1e6, "laps": laps, "once": once})
        idle = max(side.idle_share for side in everyone.values())
        versions = {**hello["versions"], **bm3d.hello["versions"]}
    return {"machine": hello["machine"], "versions": versions, "idle": idle}, found


# tiles, in memory


def _tiled(bench: Bench, model: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """In tiles and untiled; of an image that does not fit in memory untiled, half."""
    megapixels = wanted = bench.tiled_megapixels
    while True:
        with ExitStack() as stack:
            # processes of their own for each size: one that ran out of memory is not to be trusted with a timing
            contestants = {
                way: stack.enter_context(start_whole(bench, way, way, model))
                for way in ("untiled", "tiled")
            }
            open_image(
                contestants,
                save_array(bench.folder / "whole" / "noisy.npy", megapixels, 3, bench.seed),
            )
            try:
                laps = in_turns(contestants, {"do": "restore"}, bench.rounds, say)
            except ContestantFailed as error:
                if error.kind != OUT_OF_MEMORY or megapixels / 2 < _SMALLEST:
                    raise
                say(
                    f"{_size(megapixels)}: not in this machine's memory untiled; continuing with half"
                )
                megapixels /= 2
            else:
                return {"wanted": wanted, "megapixels": megapixels, "laps": laps}


# a folder of photos, end to end


def _photos(bench: Bench, model: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """The command between two halves of what it is compared with, so that a machine that slows down slows both."""
    folder = bench.folder / "whole"
    given, restored, looped = (
        folder / "photos",
        folder / "photos-restored",
        folder / "photos-looped",
    )
    _empty(restored, looped)
    files = [str(path.absolute()) for path in save_photos(given, bench.photos, bench.seed)]
    say(f"{len(files)} photos are made")
    middle = len(files) // 2
    seconds = {"network": 0.0, "loop": 0.0}
    with ExitStack() as stack:
        network = stack.enter_context(start_whole(bench, "network", "tiled", model))
        loop = stack.enter_context(start_whole(bench, "loop", "untiled", model))
        for side in (network, loop):
            side.ask("photos", files=files[:1])  # the first photo sets everything up
        watched: Watched | None = None
        for half in (files[:middle], files[middle:]):
            seconds["network"] += network.ask("photos", files=half)["seconds"]
            seconds["loop"] += loop.ask("loop", files=half, out=str(looped.absolute()))["seconds"]
            watched = watched or _restore(bench, given, model, restored)
            say(
                ", ".join(
                    f"{name} {taken:.1f} s"
                    for name, taken in {**seconds, "command": watched.seconds}.items()
                )
            )
    written = len(list(restored.glob("*.jpg")))
    if written != len(files):
        raise ContestantFailed(
            f"restorae restore wrote {written} of {len(files)} photos (its output is in {bench.folder / 'logs'})."
        )
    _empty(given, restored, looped)
    assert watched is not None
    return {
        "count": len(files),
        "pixels": PHOTO[0] * PHOTO[1],
        "seconds": seconds,
        "command": asdict(watched),
    }


def _empty(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


# the section


def report(record: Mapping[str, Any]) -> str:
    """The section's text."""
    found, precision = record["measured"], record["machine"]["precision"]
    return "\n\n".join(
        [
            table(["", "measured", "target"], _goals(found)),
            *_report_tiffs(found["tiffs"], precision),
            *_report_others(found, precision),
            *_report_tiled(found["tiled"], precision),
            *_report_photos(found["photos"], precision),
        ]
    )


def _goals(found: Mapping[str, Any]) -> list[list[str]]:
    largest, peers, photos = found["tiffs"][-1], found["peers"][-1], found["photos"]
    peak = Spread.of([run["anonymous"] / _GIB for run in largest["runs"]])
    return [
        [
            f"a TIFF of {_size(largest['megapixels'])}: most memory, GiB",
            peak.to_text(),
            "2, goal 1",
        ],
        [
            f"{_size(peers['megapixels'])}: `unet`'s time over DnCNN's",
            _ratio(peers["laps"], "auto", "dncnn").to_text(3),
            "0.12, goal 0.03",
        ],
        [
            f"{_size(found['tiled']['megapixels'])}: time in tiles over time untiled",
            _ratio(found["tiled"]["laps"], "tiled", "untiled").to_text(3),
            "1.15, goal 1.03",
        ],
        [
            f"{photos['count']:,} photos: time of the command over the network's alone",
            f"{photos['command']['seconds'] / photos['seconds']['network']:.2f}",
            "1.3, goal 1.1",
        ],
    ]


def _report_tiffs(tiffs: Sequence[Mapping[str, Any]], precision: str) -> list[str]:
    rows = []
    for tiff in tiffs:
        runs, pixels = tiff["runs"], side_of(tiff["megapixels"]) ** 2 / 1e6
        columns = [
            Spread.of([run["seconds"] for run in runs]).to_text(1),
            Spread.of([pixels / run["seconds"] for run in runs]).to_text(),
            *(
                Spread.of([run[kind] / _GIB for run in runs]).to_text()
                for kind in ("anonymous", "resident")
            ),
        ]
        rows.append(
            [
                f"{_size(tiff['megapixels'])}, a file of {tiff['bytes'] / 2**20:,.0f} MiB",
                *columns,
                str(len(runs)),
            ]
        )
    return [
        table(
            [
                "`restorae restore` of a TIFF",
                "seconds",
                "megapixels per second",
                "RssAnon, GiB",
                "VmHWM, GiB",
                "runs",
            ],
            rows,
        ),
        f"Whole processes with the default network for colour, `unet`, in {precision}, from start to exit: importing PyTorch, reading, "
        "restoring, writing. Square 8-bit RGB images in deflated tiles of 256 × 256, results deflated in the same way; a photograph that "
        "is repeated, with noise. `RssAnon` is the largest private memory of the process, sampled a hundred times a second; `VmHWM` "
        "is the largest resident memory, including mapped files and shared libraries. Weights are random: speed does not depend on "
        "them.",
    ]


def _report_others(found: Mapping[str, Any], precision: str) -> list[str]:
    peers = found["peers"]
    names = {**_OTHERS, "auto": f"{_OTHERS['auto']}, {precision} (`auto`)"}
    rows = []
    for name, text in names.items():
        row = [text]
        for size in peers:
            # what ran once is held against each of DnCNN's rounds
            laps = [{**lap, **size["once"]} for lap in size["laps"]]
            if name not in laps[0]:
                break
            row.append(
                Spread.of([lap[name]["seconds"] / size["megapixels"] for lap in laps]).to_text(3)
            )
            row.append("" if name == "dncnn" else _ratio(laps, name, "dncnn").to_text(3))
        else:
            rows.append(row)
    header = ["grey images, in memory"]
    for size in peers:
        header += [f"{_size(size['megapixels'])}, s per megapixel", "ratio to DnCNN"]
    return [
        table(header, rows),
        f"Medians, with the smallest and the largest, of {len(peers[0]['laps'])} rounds, with the denoisers in turn, after one "
        "warm-up round. Ratios compare the same round. BM3D ran once at each size, after them. "
        "DnCNN is built from its description (Zhang et al., 2017; "
        "555,137 parameters, batch normalisation folded into biases, random weights) and processes the whole image at once; "
        "restorae's `unet` is the "
        "default one for grey images, in tiles where they are large. Non-local means works on one core. BM3D (Dabov et al., 2007; "
        "Mäkinen, Azzari and Foi, 2020) has a licence that allows informational, non-commercial use only: it is installed in a "
        "separate virtual environment and is not part of restorae. This table is about speed only; quality is measured elsewhere. "
        f"While one was running, no other used more than {100 * found['idle']:.1f} % of a core.",
    ]


def _report_tiled(tiled: Mapping[str, Any], precision: str) -> list[str]:
    laps, size = tiled["laps"], _size(tiled["megapixels"])
    rows = [
        [
            f"a colour image of {size}",
            *(_seconds(laps, way).to_text() for way in ("untiled", "tiled")),
        ]
    ]
    rows[0].append(_ratio(laps, "tiled", "untiled").to_text(3))
    fits = (
        ""
        if tiled["megapixels"] == tiled["wanted"]
        else f" {_size(tiled['wanted'])} did not fit in this machine's memory untiled."
    )
    return [
        table(["", "untiled, s", "in tiles, s", "ratio"], rows),
        f"Both in memory, in {precision}, {len(laps)} rounds in turn: `Model.__call__`, which takes the whole image at once, and "
        f"`Model.restore_images`, which chooses tiles that fit in the free memory and computes each with its halo.{fits}",
    ]


def _report_photos(photos: Mapping[str, Any], precision: str) -> list[str]:
    seconds = {**photos["seconds"], "command": photos["command"]["seconds"]}
    names = {
        "network": "the network alone, on decoded images",
        "command": "`restorae restore FOLDER`",
        "loop": "a loop of Pillow's `open`, the same network on the whole image, Pillow's `save`",
    }
    rows = [
        [
            text,
            f"{seconds[name]:.1f}",
            f"{seconds[name] / photos['count']:.3f}",
            f"{seconds[name] / seconds['network']:.2f}",
        ]
        for name, text in names.items()
    ]
    return [
        table(
            [f"{photos['count']:,} photos", "seconds", "s per photo", "ratio to the network"], rows
        ),
        f"JPEG files of {photos['pixels'] / 1e6:.1f} megapixels made from scikit-image's photographs, in {precision}. The command is a "
        "whole process from start to exit and writes a log with every file's hash; it held "
        f"{photos['command']['anonymous'] / _GIB:.2f} GiB at most (`RssAnon`). It ran once, between two halves of the others, which "
        "had been started before. Both write JPEG at quality 95; the loop keeps neither EXIF nor colour profile.",
    ]


def _size(megapixels: float) -> str:
    number = f"{megapixels:,.0f}" if megapixels >= 100 else f"{megapixels:.3g}"
    return f"{number} megapixel{'' if number == '1' else 's'}"


def _seconds(laps: Sequence[Mapping[str, Any]], name: str) -> Spread:
    return Spread.of(seconds_of(laps, name))


def _ratio(laps: Sequence[Mapping[str, Any]], above: str, below: str) -> Spread:
    return Spread.of_ratios(seconds_of(laps, above), seconds_of(laps, below))
