"""`make bench`: measure restorae against the tutorial in Keras and write docs/benchmarks.md.

    python benchmarks/run.py                      everything (five hours or so on two cores)
    python benchmarks/run.py startup              one part; the other sections of the page stay
    python benchmarks/run.py speed --rounds 9     more rounds
    python benchmarks/run.py learning --sections pages,few --minutes-scale 0.1
                                                  some sections of a part, their trainings shortened
    python benchmarks/run.py --quick              does it all work? Writes a page under build/, not the real one
    python benchmarks/run.py --rewrite            write the page again from the last results, measuring nothing

A new part is a module with TITLE, `measure(bench, say)` and `report(record)`, named in PARTS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import startup
import web
import whole
from film import remastering
from film import section as film
from interleaved_timing import ContestantFailed
from learning import section as learning
from lesson import imagine, quality, speed
from settings import ROOT, Bench
from writing import provenance, replace_section

from restorae.errors import RestoraeError
from restorae.files import write_text
from restorae.machine import describe
from restorae.version import VERSION

PARTS: Mapping[str, ModuleType] = {
    "speed": speed,
    "quality": quality,
    "imagine": imagine,
    "startup": startup,
    "whole": whole,
    "learning": learning,
    "film": film,
    "remaster": remastering,
    "web": web,
}
PAGE = ROOT / "docs" / "benchmarks.md"
_QUICK_PAGE = "# Quick benchmark\n\nToo few digits and rounds for meaningful figures: this only shows that the benchmark runs.\n"
_QUICK_SEEDS = {
    "keras_seeds": 1,
    "conv_seeds": 2,
    "unet_seeds": 1,
    "vae_seeds": 1,
    "keras_vae_seeds": 1,
}
_QUICK_LEARNING = {"minutes_scale": 0.01, "fields": 1}
_QUICK = {
    "quick": True,
    "rounds": 1,
    "likelihood_digits": 20,
    "largest_megapixels": 1,
    "photos": 4,
    **_QUICK_SEEDS,
    **_QUICK_LEARNING,
}
_FEWEST_SEEDS = {
    "keras_seeds": 0,
    "conv_seeds": 1,
    "unet_seeds": 1,
    "vae_seeds": 0,
    "keras_vae_seeds": 0,
}
_FEWEST = {
    "threads": 1,
    "rounds": 1,
    "likelihood_digits": 2,
    "largest_megapixels": 1,
    "photos": 2,
    "fields": 1,
    **_FEWEST_SEEDS,
}
_MOST_ROUNDS = 18
_NOT_SAID = ("parts", "data_dir", "keras_python", "peers_python", "rewrite", "quick")


def main(arguments: list[str] | None = None) -> int:
    """Measure the parts that were asked for, one by one, and write each as soon as it is there."""
    options, failed = _read_options(arguments), []
    try:
        bench = _bench(options)
        for name in options.parts or PARTS:
            record = _read(bench, name) if options.rewrite else _measure(bench, name, options)
            if record is not None:
                _write(bench, name, record)
                failed += [
                    f"{section} of {name}" for section in record["measured"].get("failed", ())
                ]
    except (RestoraeError, ContestantFailed) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmark: interrupted; parts that were finished are written.", file=sys.stderr)
        return 1
    if failed:
        print(f"benchmark: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _read_options(arguments: list[str] | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; by default all"
    )
    options.add_argument(
        "--quick",
        action="store_true",
        help="few digits, one round; writes build/benchmarks/quick/benchmarks.md",
    )
    options.add_argument(
        "--rewrite",
        action="store_true",
        help="measure nothing; write the page from the last results",
    )
    options.add_argument("--seed", type=int, default=Bench.seed, help="the first seed")
    options.add_argument("--threads", type=int, default=Bench.threads, help="threads of each side")
    options.add_argument(
        "--rounds",
        type=int,
        help=f"timed epochs of each side (speed, imagine) or rounds (whole); {Bench.rounds}",
    )
    options.add_argument(
        "--keras-seeds",
        type=int,
        help=f"trainings of Keras for each output (quality; {Bench.keras_seeds})",
    )
    options.add_argument(
        "--conv-seeds", type=int, help=f"trainings of conv (quality; {Bench.conv_seeds})"
    )
    options.add_argument(
        "--unet-seeds", type=int, help=f"trainings of unet (quality; {Bench.unet_seeds})"
    )
    options.add_argument(
        "--vae-seeds",
        type=int,
        help=f"long trainings of the tutorial's VAE (imagine; {Bench.vae_seeds})",
    )
    options.add_argument(
        "--keras-vae-seeds",
        type=int,
        help=f"the same in Keras, ten minutes each (imagine; {Bench.keras_vae_seeds})",
    )
    options.add_argument(
        "--likelihood-digits",
        type=int,
        help=f"test digits for log-likelihood (imagine; {Bench.likelihood_digits:,})",
    )
    options.add_argument(
        "--largest-megapixels",
        type=int,
        help=f"of the TIFFs that are restored (whole; {Bench.largest_megapixels:,})",
    )
    options.add_argument(
        "--photos", type=int, help=f"in the folder that is restored (whole; {Bench.photos})"
    )
    options.add_argument(
        "--sections",
        type=_names,
        help=f"of learning, with commas: {','.join(learning.SECTIONS)}; by default all",
    )
    options.add_argument(
        "--minutes-scale", type=float, help="multiplies the minutes of every training (learning; 1)"
    )
    options.add_argument(
        "--denoiser",
        help=f"the photo denoiser to score: a bundled name or a file (learning; {Bench.denoiser})",
    )
    options.add_argument(
        "--start",
        help="the model to continue from with eight pairs (learning; what restorae train chooses)",
    )
    options.add_argument(
        "--self-ensemble",
        type=_sizes,
        help="sizes of the self-ensemble to measure beside a single pass (learning; 2,8), or none",
    )
    options.add_argument(
        "--fields",
        type=int,
        help=f"fields of W2S that are left out in turn, each a training (learning; {Bench.fields})",
    )
    options.add_argument(
        "--data-dir",
        type=Path,
        help="folder above mnist/; else RESTORAE_DATA, the user's cache, a download",
    )
    options.add_argument(
        "--keras-python", type=Path, help="a Python that has Keras; else build/keras-venv is made"
    )
    options.add_argument(
        "--peers-python", type=Path, help="a Python that has BM3D; else build/peers-venv is made"
    )
    chosen = options.parse_args(arguments)
    unknown = [part for part in chosen.parts if part not in PARTS]
    if unknown:
        options.error(f"there is no part {unknown[0]!r}; known: {', '.join(PARTS)}")
    strange = [section for section in chosen.sections or () if section not in learning.SECTIONS]
    if strange:
        options.error(
            f"learning has no section {strange[0]!r}; known: {', '.join(learning.SECTIONS)}"
        )
    if chosen.minutes_scale is not None and chosen.minutes_scale <= 0:
        options.error(f"--minutes-scale {chosen.minutes_scale}: expected more than 0")
    for name, fewest in _FEWEST.items():
        if getattr(chosen, name) is not None and getattr(chosen, name) < fewest:
            options.error(
                f"--{name.replace('_', '-')} {getattr(chosen, name)}: expected {fewest} or more"
            )
    if chosen.rounds is not None and chosen.rounds > _MOST_ROUNDS:
        # an epoch shorter than a twentieth of its training is not told by itself
        options.error(f"--rounds {chosen.rounds}: expected {_MOST_ROUNDS} or fewer")
    return chosen


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _sizes(text: str) -> tuple[int, ...]:
    return () if text == "none" else tuple(int(size) for size in _names(text))


def _bench(options: argparse.Namespace) -> Bench:
    given = {
        name: value
        for name, value in vars(options).items()
        if name in Bench.__dataclass_fields__ and value is not None
    }
    return replace(Bench(), **{**(_QUICK if options.quick else {}), **given})


def _measure(bench: Bench, name: str, options: argparse.Namespace) -> dict[str, Any]:
    print(f"{name}: begins", flush=True)
    before = os.getloadavg()[0]
    measured = PARTS[name].measure(bench, lambda message: print(f"{name}: {message}", flush=True))
    return {
        "date": date.today().isoformat(),
        "seed": bench.seed,
        "command": _command(name, options),
        "machine": measured.pop("machine", None) or describe(),
        "versions": measured.pop("versions", None)
        or {"restorae": VERSION, "python": platform.python_version()},
        "load": [before, os.getloadavg()[0]],
        "measured": measured,
    }


def _command(name: str, options: argparse.Namespace) -> str:
    """The command that measures this part again; places of files on this machine are left out."""
    said = {key: value for key, value in vars(options).items() if key not in _NOT_SAID}
    defaults = {"seed": Bench.seed, "threads": Bench.threads}
    flags = [
        f"--{key.replace('_', '-')} {_in_words(value)}"
        for key, value in said.items()
        if value is not None and value != defaults.get(key)
    ]
    return " ".join(
        ["python benchmarks/run.py", name, *(["--quick"] if options.quick else []), *flags]
    )


def _in_words(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    # of a model's file only its name
    return Path(value).name if isinstance(value, str) else str(value)


def _read(bench: Bench, name: str) -> dict[str, Any] | None:
    results = bench.folder / f"{name}.json"
    if not results.is_file():
        print(
            f"{name}: {results.relative_to(ROOT)} is not there; its section stays as it is",
            flush=True,
        )
        return None
    record: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return record


def _write(bench: Bench, name: str, record: dict[str, Any]) -> None:
    part = PARTS[name]
    write_text(bench.folder / f"{name}.json", json.dumps(record, indent=1) + "\n")
    page = bench.folder / "benchmarks.md" if bench.quick else PAGE
    before = (
        page.read_text(encoding="utf-8")
        if page.is_file()
        else _QUICK_PAGE
        if bench.quick
        else "# Benchmarks\n"
    )
    section = f"## {part.TITLE}\n\n{part.report(record)}\n\n{provenance(record)}"
    write_text(page, replace_section(before, name, section, list(PARTS)))
    print(f"{name}: written to {page.relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
