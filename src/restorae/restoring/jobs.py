"""Which file is read and which is written: decided before anything is touched."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restorae.errors import BadPicture, UsageError
from restorae.formats import SUFFIXES, picture_files

ARRAYS = frozenset({".npy", ".npz"})


@dataclass(frozen=True)
class Job:
    """One file to read and the file that its result becomes."""

    source: Path
    target: Path


def plan(inputs: Sequence[Path], out: Path, overwrite: bool = False, skip_existing: bool = False) -> list[Job]:
    """One job for each picture or array; below a folder the tree is kept.

    A single file becomes the file `out`, or goes into the folder `out` if that is one or is written `out/`; everything
    else goes into the folder `out`.

    Raises:
        BadPicture: an input does not exist, is of no kind that is read, or is a folder without pictures.
        UsageError: a result would replace an input or a file that is there (unless `overwrite`), or two would become one.
    """
    jobs: list[Job] = []
    for given in inputs:
        if given.is_dir():
            found = picture_files(given)
            if not found:
                raise BadPicture(f"{given} holds no pictures. Expected files ending in {', '.join(sorted(SUFFIXES))}.")
            jobs += [Job(path, out / path.relative_to(given)) for path in found]
            continue
        if not given.exists():
            raise BadPicture(f"There is no file or folder {given}.")
        if given.suffix.lower() not in SUFFIXES | ARRAYS:
            raise BadPicture(f"{given} is of no kind that is read. Expected {', '.join(sorted(SUFFIXES | ARRAYS))}.")
        jobs.append(Job(given, _single_target(given, out) if len(inputs) == 1 else out / given.name))
    _refuse_losses(jobs, overwrite or skip_existing)
    return [job for job in jobs if not (skip_existing and job.target.exists())]


def _single_target(given: Path, out: Path) -> Path:
    into_folder = out.is_dir() or str(out).endswith(os.sep) or not out.suffix
    return out / given.name if into_folder else out


def _refuse_losses(jobs: Sequence[Job], may_exist: bool) -> None:
    twice = [target for target, count in Counter(job.target for job in jobs).items() if count > 1]
    if twice:
        raise UsageError(f"{len(twice)} result(s) would be written twice, such as {twice[0]}. Give the inputs in separate runs.")
    sources = {job.source.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in sources:
            raise UsageError(f"{job.target} is an input: its result would replace it. Choose another place with --out.")
    there = [job.target for job in jobs if job.target.exists()]
    if there and not may_exist:
        raise UsageError(
            f"{len(there)} result(s) are there already, such as {there[0]}. Use --overwrite, --skip-existing or another --out."
        )
