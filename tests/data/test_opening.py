"""Labels: a named set's own, the folders that images lie in, and files of labels."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from restorae.data.opening import open_labelled, read_labels
from restorae.errors import BadImage, DataUnavailable
from restorae.formats import write_array, write_still

LABELS = np.array([3, 1, 4, 1, 5, 9], np.uint8)


def image_at(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_still(path, np.full((4, 5), value, np.uint8))


# ------------------------------------------------------------------------------------------------- images with labels


def test_a_named_set_brings_the_labels_of_the_part_that_is_asked_for():
    images, labels = open_labelled("digits", "test")
    assert np.array_equal(labels, load_digits().target[1437:])
    assert len(images) == len(labels) == 360


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_sets_bring_a_label_for_each_image(name, real_data):
    if not (real_data / name).is_dir():
        pytest.skip(f"{real_data} holds no {name}/")
    images, labels = open_labelled(name, "test")
    assert labels is not None
    assert np.bincount(labels).shape == (10,)
    assert len(images) == len(labels) == 10_000


def test_images_in_folders_are_labelled_by_their_folder(tmp_path):
    for value, name in enumerate(["coats/1.png", "coats/2.png", "bags/1.png", "bags/small/9.png"]):
        image_at(tmp_path / name, 10 * value)
    images, labels = open_labelled(tmp_path)
    assert dict(zip(images.names, labels.tolist(), strict=True)) == {
        "coats/1.png": "coats",
        "coats/2.png": "coats",
        "bags/1.png": "bags",
        "bags/small/9.png": "bags/small",
    }
    by_name = dict(zip(images.names, range(4), strict=True))
    assert images[by_name["coats/2.png"]].mean().item() == pytest.approx(10 / 255), (
        "labels are in the images' order"
    )


@pytest.mark.parametrize(
    "names", [["a.png", "b.png"], ["a.png", "sub/b.png"]], ids=["flat", "some in folders"]
)
def test_images_that_lie_in_no_folder_have_no_labels(tmp_path, names):
    for name in names:
        image_at(tmp_path / name)
    images, labels = open_labelled(tmp_path)
    assert len(images) == 2
    assert labels is None


def test_an_array_has_no_labels(tmp_path):
    write_array(tmp_path / "six.npy", np.zeros((6, 4, 5), np.uint8))
    images, labels = open_labelled(tmp_path / "six.npy")
    assert len(images) == 6
    assert labels is None


def test_a_name_that_nobody_knows_is_answered_as_for_images():
    with pytest.raises(
        DataUnavailable, match=r"There is no data set 'digit'.*Did you mean 'digits'"
    ):
        open_labelled("digit")


# ------------------------------------------------------------------------------------------------- files of labels


def idx_of(labels: np.ndarray) -> bytes:
    return (
        b"\0\0\x08"
        + bytes([labels.ndim])
        + struct.pack(f">{labels.ndim}I", *labels.shape)
        + labels.astype(np.uint8).tobytes()
    )


WRITTEN: dict[str, Callable[[Path], object]] = {
    "labels.npy": lambda path: np.save(path, LABELS),
    "labels.npz": lambda path: np.savez(path, labels=LABELS),
    "both.npz": lambda path: np.savez(path, images=np.zeros((6, 4, 4)), labels=LABELS),
    "only.npz": lambda path: np.savez(path, y_test=LABELS),
    "train-labels-idx1-ubyte": lambda path: path.write_bytes(idx_of(LABELS)),
    "train-labels-idx1-ubyte.gz": lambda path: path.write_bytes(gzip.compress(idx_of(LABELS))),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_labels_are_read_from_whatever_they_came_in(tmp_path, name):
    WRITTEN[name](tmp_path / name)
    assert np.array_equal(read_labels(tmp_path / name), LABELS)


def test_labels_may_be_names(tmp_path):
    np.save(tmp_path / "labels.npy", np.array(["coat", "bag"]))
    assert read_labels(tmp_path / "labels.npy").tolist() == ["coat", "bag"]


@pytest.mark.parametrize(
    ("name", "write", "told"),
    [
        (
            "two.npy",
            lambda path: np.save(path, np.zeros((6, 10))),
            r"holds an array of shape \(6, 10\); expected one number or name",
        ),
        (
            "one.npy",
            lambda path: np.save(path, np.float32(3)),
            r"holds an array of shape \(\); expected",
        ),
        (
            "images.npz",
            lambda path: np.savez(path, images=np.zeros((6, 4, 4))),
            r"shape \(6, 4, 4\); expected",
        ),
        ("many.npz", lambda path: np.savez(path, a=LABELS, b=LABELS), "holds the arrays a, b"),
        (
            "train-images-idx3-ubyte",
            lambda path: path.write_bytes(idx_of(np.zeros((2, 3, 3)))),
            r"shape \(2, 3, 3\); expected",
        ),
        ("cut.npy", lambda path: path.write_bytes(b"\x93NUMPY\x01"), "cannot be read"),
        ("labels.csv", lambda path: path.write_text("3,1,4"), "is not an idx file"),
        (
            "objects.npy",
            lambda path: np.save(path, np.array([None, "x"], object), allow_pickle=True),
            "Python objects",
        ),
        ("nowhere.npy", lambda path: None, "cannot be read"),
        ("nowhere.idx", lambda path: None, "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_what_holds_no_labels_is_refused_with_its_name(tmp_path, name, write, told):
    write(tmp_path / name)
    with pytest.raises(BadImage, match=told) as caught:
        read_labels(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
