"""Named data sets: locations, downloads and splits."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.request
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import platformdirs

from restorae.data.image_set import ArrayImages
from restorae.display import counted
from restorae.errors import BadImage, DataUnavailable, Fix, UnknownKind, nearest
from restorae.files import write_bytes
from restorae.formats import read_idx
from restorae.progress import SILENT, Progress

Split: TypeAlias = Literal["train", "test", "all"]
SECONDS_TO_ANSWER = 10
_CHUNK = 1 << 16
_LARGEST_DOWNLOAD = 64 * 2**20
_DIGITS_FOR_TESTING = 360


@dataclass(frozen=True, kw_only=True)
class IdxSet:
    """A set in the four files of MNIST's format, and its public mirrors."""

    name: str
    about: str
    licence: str
    mirrors: tuple[str, ...]
    checksums: dict[str, str] = field(hash=False)
    """SHA-256 of each file."""


MNIST = IdxSet(
    name="mnist",
    about="70,000 handwritten digits, 28 × 28 (LeCun, Cortes, Burges)",
    licence="CC BY-SA 3.0",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ),
    checksums={
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
)
FASHION_MNIST = IdxSet(
    name="fashion-mnist",
    about="70,000 pieces of clothing, 28 × 28 (Zalando)",
    licence="MIT",
    mirrors=(
        "https://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    ),
    checksums={
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
)
IDX_SETS = {each.name: each for each in (MNIST, FASHION_MNIST)}
NAMES = (*IDX_SETS, "digits")
DIGITS = Path(__file__).with_name("digits.npz")
"""`images` (1797, 8, 8), values 0 to 16, and `labels` (1797,), both uint8. Origin: digits.LICENSE.txt."""


@dataclass(frozen=True)
class Labelled:
    """Images, and for each its class."""

    images: ArrayImages
    labels: np.ndarray


def load_named(
    name: str, split: Split, data_dir: Path | None = None, progress: Progress = SILENT
) -> Labelled:
    """A named set: from `data_dir` or `$RESTORAE_DATA`, else the user's cache, else downloaded from its mirrors.

    Raises:
        UnknownKind: no set has that name.
        DataUnavailable: it is nowhere and could not be downloaded.
        BadImage: a file of it is damaged; the message names it.
    """
    if name == "digits":
        return load_digits(split)
    if name not in IDX_SETS:
        raise UnknownKind(f"There is no data set {name!r}. {nearest(name, NAMES)}")
    folder = locate(IDX_SETS[name], data_dir, progress)
    parts = [
        _read_part(folder, part)
        for part in (
            ("train", "t10k") if split == "all" else ("t10k",) if split == "test" else ("train",)
        )
    ]
    return Labelled(
        ArrayImages(np.concatenate([images for images, _ in parts]), source=str(folder)),
        np.concatenate([labels for _, labels in parts]),
    )


def load_data(
    name: str = "mnist", data_dir: Path | None = None, progress: Progress = SILENT
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A named set as arrays, as `keras.datasets` gives them: `(x_train, y_train), (x_test, y_test)`.

    Images are uint8 (n, height, width), labels integers (n,).

    >>> (x_train, y_train), (x_test, y_test) = load_data("digits")
    >>> x_train.shape, x_train.dtype, y_test.shape
    ((1437, 28, 28), dtype('uint8'), (360,))

    Raises:
        UnknownKind: there is no set of that name.
        DataUnavailable: it is not on this machine and could not be downloaded.
    """
    seen, unseen = (load_named(name, part, data_dir, progress) for part in ("train", "test"))
    return (seen.images.stored[:, 0], seen.labels), (unseen.images.stored[:, 0], unseen.labels)


def load_digits(split: Split) -> Labelled:
    """The embedded set: 1,797 real digits, 8 × 8, enlarged to 28 × 28; the last 360 are for testing."""
    images, labels = _enlarged_digits()
    cut = len(images) - _DIGITS_FOR_TESTING
    chosen = {"train": slice(0, cut), "test": slice(cut, None), "all": slice(None)}[split]
    return Labelled(ArrayImages(images[chosen].copy()), labels[chosen].copy())


@cache
def _enlarged_digits() -> tuple[np.ndarray, np.ndarray]:
    """All images, (1797, 28, 28), and labels; made once, and copied for whoever asks."""
    from skimage.transform import resize

    with np.load(DIGITS) as stored:
        small, labels = stored["images"] / 16.0, stored["labels"]
    # cubic interpolation is linear in the pixels, and one matrix for rows and columns takes a fiftieth of the time
    weights = resize(np.eye(8), (20, 8), order=3, mode="edge", anti_aliasing=False, clip=False)
    large = weights @ small @ weights.T
    # 20 × 20 within a margin of 4, like the digits of MNIST
    large = np.pad(np.clip(large, 0, 1), ((0, 0), (4, 4), (4, 4)))
    return np.rint(large * 255).astype(np.uint8), labels


def find_here(wanted: IdxSet, data_dir: Path | None = None) -> Path | None:
    """The folder that holds all files of a set, plain or gzipped, in `data_dir`, `$RESTORAE_DATA` or the user's cache."""
    given = data_dir or (
        Path(os.environ["RESTORAE_DATA"]) if os.environ.get("RESTORAE_DATA") else None
    )
    folders = [cache_folder(wanted)]
    if given is not None:
        # the parent folder, or the set's own folder, which only its name identifies: all sets have the same file names
        folders = [
            given / wanted.name,
            *([given] if given.resolve().name == wanted.name else []),
            *folders,
        ]
    return next(
        (
            folder
            for folder in folders
            if all(_plain_or_gzipped(folder / file).is_file() for file in wanted.checksums)
        ),
        None,
    )


def cache_folder(wanted: IdxSet) -> Path:
    """The folder of a downloaded set."""
    return Path(platformdirs.user_cache_dir("restorae")) / wanted.name


def locate(wanted: IdxSet, data_dir: Path | None, progress: Progress) -> Path:
    """The folder that holds all files of a set, downloading them into the user's cache if they are nowhere.

    Raises:
        DataUnavailable: no mirror answered with the right files.
    """
    here = find_here(wanted, data_dir)
    if here is not None:
        return here
    cache = cache_folder(wanted)
    for file, checksum in wanted.checksums.items():
        if not (cache / file).is_file():
            download(wanted, file, checksum, cache / file, progress)
    return cache


def download(
    wanted: IdxSet, file: str, checksum: str, target: Path, progress: Progress = SILENT
) -> None:
    """Fetch one file from the first mirror that answers with the right content; atomically.

    Raises:
        DataUnavailable: all mirrors failed; the message lists their answers and alternatives.
    """
    answers = []
    for mirror in wanted.mirrors:
        address = f"{mirror}/{file}"
        try:
            content = _fetch(address, f"Downloading {wanted.name}/{file}", progress)
        except (
            OSError,
            http.client.HTTPException,
        ) as error:  # nothing is written yet, so the mirror failed
            answers.append(f"{address}: {getattr(error, 'reason', error)}")
            continue
        if hashlib.sha256(content).hexdigest() == checksum:
            write_bytes(target, content)
            return
        answers.append(f"{address}: wrong checksum, so this is not the published file")
    raise DataUnavailable(
        f"{wanted.name} is not on this machine and could not be downloaded.\n"
        + "\n".join(f"  {answer}" for answer in answers)
        + f"\nPut its four files ({', '.join(wanted.checksums)}) into a folder {wanted.name}/ and give the folder above it "
        "as the data folder or in RESTORAE_DATA; or use the embedded set 'digits'",
        fix=Fix("data_dir", "FOLDER"),
    )


def _fetch(address: str, task: str, progress: Progress) -> bytes:
    with urllib.request.urlopen(address, timeout=SECONDS_TO_ANSWER) as reply:
        progress.begin(task, int(reply.headers.get("Content-Length") or 0), "bytes")
        content = bytearray()
        try:
            while chunk := reply.read(_CHUNK):
                content += chunk
                if len(content) > _LARGEST_DOWNLOAD:
                    raise OSError("it sends more than any of these files holds")
                progress.advance(len(chunk))
        finally:
            progress.end()
    return bytes(content)


def _read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    images_file, labels_file = (
        _plain_or_gzipped(folder / f"{part}-{rest}-ubyte.gz")
        for rest in ("images-idx3", "labels-idx1")
    )
    images, labels = read_idx(images_file), read_idx(labels_file)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise BadImage(
            f"{images_file} holds {images.dtype} values of shape {images.shape}; expected uint8 (count, height, width)."
        )
    if labels.shape != (len(images),):
        raise BadImage(
            f"{labels_file} holds {counted(labels.size, 'label')} for {counted(len(images), 'image')}."
        )
    return images, labels


def _plain_or_gzipped(path: Path) -> Path:
    return path if path.is_file() else path.with_suffix("")
