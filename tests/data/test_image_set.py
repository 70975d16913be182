"""Sets of images: in an array, in memory, in files; and whatever a name or a path opens."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorae.data import ArrayImages, ImageSet, ListedImages, is_named, open_images
from restorae.data.file_images import FileImages, read_folder
from restorae.errors import BadImage, DataUnavailable, ShapeMismatch
from restorae.formats import write_still
from restorae.pixels import to_working


def random_pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_images(folder: Path, images: Sequence[np.ndarray]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{place:02d}.png" for place in range(len(images))]
    for name, image in zip(names, images, strict=True):
        write_still(folder / name, image)
    return names


SAME = [random_pixels(6, 8, seed=seed) for seed in range(5)]
MIXED = [
    random_pixels(6, 8),
    random_pixels(9, 4, 3, seed=1),
    random_pixels(1, 1, seed=2),
    random_pixels(5, 5, 3, seed=3),
]


@pytest.fixture(params=["array", "listed", "files"])
def five(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSet:
    """The same five grey images behind each face."""
    if request.param == "array":
        return ArrayImages(np.stack(SAME))
    if request.param == "listed":
        return ListedImages(SAME, [f"{place:02d}.png" for place in range(5)])
    write_images(tmp_path, SAME)
    found = read_folder(tmp_path, memory=0)
    assert isinstance(found, FileImages)
    return found


# ------------------------------------------------------------------------------------------------- every set


def test_every_set_gives_working_images(five):
    assert len(five) == len(five.names) == 5
    assert five.channels == 1
    assert five.common_size == (6, 8)
    for place, stored in enumerate(SAME):
        image = five[place]
        assert five.size(place) == (6, 8)
        assert image.shape == (1, 6, 8)
        assert image.dtype == torch.float32
        assert torch.equal(image, to_working(stored))


def test_a_batch_is_its_images(five):
    for indices in ([0], [4, 1, 1], range(5), np.array([2, 0])):
        assert torch.equal(
            five.batch(indices), torch.stack([five[int(place)] for place in indices])
        )


@given(data=st.data())
def test_a_subset_is_those_images_in_that_order(data):
    indices = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=8))
    for whole in (
        ArrayImages(np.stack(SAME), names=list("abcde")),
        ListedImages(SAME, list("abcde")),
    ):
        chosen = whole.subset(indices)
        assert type(chosen) is type(whole)
        assert list(chosen.names) == ["abcde"[index] for index in indices]
        assert torch.equal(chosen.batch(range(len(indices))), whole.batch(indices))
        assert (chosen.channels, chosen.common_size) == (whole.channels, whole.common_size)


def test_a_subset_of_files_is_those_files(tmp_path):
    names = write_images(tmp_path, MIXED)
    whole = read_folder(tmp_path, memory=0)
    chosen = whole.subset([2, 0])
    assert list(chosen.names) == [names[2], names[0]]
    assert torch.equal(chosen[1], whole[0])
    assert chosen.channels == 3, (
        "a subset belongs to a colour set even where its own images are grey"
    )


def test_a_batch_may_be_changed_without_changing_the_set(five):
    before = five[0].clone()
    five.batch([0]).fill_(7)
    assert torch.equal(five[0], before)


# ------------------------------------------------------------------------------------------------- arrays


@pytest.mark.parametrize("shape", [(4, 6, 8), (4, 6, 8, 1), (4, 6, 8, 3)], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, bool])
def test_arrays_of_every_type_become_working_images(shape, dtype):
    values = np.random.default_rng(0).random(shape)
    stored = (
        (values * np.iinfo(dtype).max).astype(dtype)
        if np.dtype(dtype).kind == "u"
        else (values > 0.5 if dtype is bool else values.astype(dtype))
    )
    images = ArrayImages(stored)
    assert images.channels == (shape[3] if len(shape) == 4 else 1)
    for place, image in enumerate(stored):
        assert torch.equal(images[place], to_working(image))


@pytest.mark.parametrize(
    "shape",
    [(4,), (4, 6), (0, 6, 8), (4, 0, 8), (2, 3, 4, 2), (2, 3, 4, 4), (1, 2, 3, 4, 3)],
    ids=str,
)
def test_an_array_that_is_no_set_of_images_is_refused_by_name(shape):
    with pytest.raises(ShapeMismatch, match=r"mine\.npy holds"):
        ArrayImages(np.zeros(shape, np.uint8), source="mine.npy")


@pytest.mark.parametrize(
    "stored",
    [
        np.full((2, 3, 3), np.nan),
        np.full((2, 3, 3), 255.0),
        np.zeros((2, 3, 3), np.int64),
        np.zeros((2, 3, 3), complex),
    ],
    ids=["nan", "0 to 255", "int64", "complex"],
)
def test_values_that_are_no_pixels_are_refused_at_once_and_not_in_the_middle_of_training(stored):
    with pytest.raises(BadImage):
        ArrayImages(stored).require_working_scale()


# ------------------------------------------------------------------------------------------------- folders


def test_a_folder_gives_the_same_from_memory_and_from_files(tmp_path):
    names = write_images(tmp_path, MIXED)
    held, filed = read_folder(tmp_path), read_folder(tmp_path, memory=0)
    assert isinstance(held, ListedImages)
    assert isinstance(filed, FileImages)
    for found in (held, filed):
        assert list(found.names) == names
        assert found.channels == 3
        assert found.common_size is None
        assert [found.size(place) for place in range(4)] == [image.shape[:2] for image in MIXED]
    for place, stored in enumerate(MIXED):
        assert torch.equal(held[place], filed[place])
        assert torch.equal(held[place], to_working(stored).expand(3, -1, -1))


def test_memory_is_counted_in_decoded_bytes(tmp_path):
    write_images(tmp_path, MIXED)
    decoded = sum(image.nbytes for image in MIXED)
    assert isinstance(read_folder(tmp_path, memory=decoded), ListedImages)
    assert isinstance(read_folder(tmp_path, memory=decoded - 1), FileImages)


def test_names_are_paths_below_the_folder_in_order(tmp_path):
    for name in ("b.png", "a/z.png", "a/b/y.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_still(tmp_path / name, SAME[0])
    for memory in (0, 10**6):
        assert list(read_folder(tmp_path, memory).names) == ["a/b/y.png", "a/z.png", "b.png"]


@pytest.mark.parametrize("memory", [0, 10**6])
def test_a_broken_image_is_named(tmp_path, memory):
    write_images(tmp_path, SAME)
    (tmp_path / "02.png").write_text("this is text")
    with pytest.raises(BadImage, match=r"02.png: is not in a format that is read"):
        read_folder(tmp_path, memory)


def test_a_folder_without_images_says_what_was_expected(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(BadImage, match=r"holds no images. Expected PNG, JPEG"):
        read_folder(tmp_path)


# ------------------------------------------------------------------------------------------------- by name or path


def write_idx(path: Path, array: np.ndarray) -> None:
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize(
    "name", ["set.npy", "set.npz", "set-idx3-ubyte", "set-idx3-ubyte.gz", "set.gz", "folder"]
)
@pytest.mark.parametrize("as_text", [False, True])
def test_every_source_opens_the_same_images(tmp_path, name, as_text):
    path, array = tmp_path / name, np.stack(SAME)
    if name == "folder":
        write_images(path, SAME)
    elif name.endswith(".npy"):
        np.save(path, array)
    elif name.endswith(".npz"):
        np.savez(path, images=array)
    else:
        write_idx(path, array)
    found = open_images(str(path) if as_text else path)
    assert torch.equal(found.batch(range(5)), torch.stack([to_working(image) for image in SAME]))


def test_a_name_opens_its_set_and_its_parts():
    assert len(open_images("digits")) == 1797
    assert len(open_images("digits", "test")) == 360
    assert is_named("digits")
    assert is_named("mnist")
    assert not is_named("./mnist")


def test_a_name_wins_over_a_file_of_that_name(tmp_path, monkeypatch):
    write_images(tmp_path / "digits", SAME)
    monkeypatch.chdir(tmp_path)
    assert len(open_images("digits")) == 1797
    assert len(open_images("./digits")) == 5


def test_what_is_neither_name_nor_path_is_answered_with_the_nearest_name(tmp_path):
    with pytest.raises(
        DataUnavailable,
        match=r"There is no data set 'minst': no file or folder of that name. Did you mean 'mnist'\?",
    ):
        open_images("minst")
    with pytest.raises(DataUnavailable, match="no file or folder of that name"):
        open_images(tmp_path / "missing")


def test_the_message_for_a_file_of_another_kind_names_what_is_expected(tmp_path):
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(
        BadImage,
        match=r"notes.txt is not a set of images. Expected a folder, a .npy, .npz or idx file, or one of mnist",
    ):
        open_images(tmp_path / "notes.txt")


@pytest.mark.parametrize("name", ["set.npy", "set-idx1-ubyte"])
def test_labels_are_not_taken_for_images(tmp_path, name):
    labels = np.arange(10, dtype=np.uint8)
    np.save(tmp_path / name, labels) if name.endswith(".npy") else write_idx(
        tmp_path / name, labels
    )
    with pytest.raises(ShapeMismatch, match=rf"{name} holds an array of shape \(10,\)"):
        open_images(tmp_path / name)
