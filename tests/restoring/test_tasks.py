"""Plans of what is read and written, before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from restorae.errors import BadImage, UsageError
from restorae.restoring import FileTask, plan_tasks


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_one_file_goes_to_a_file_or_into_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "a b.png"
    touch(source)
    assert plan_tasks([source], tmp_path / "out.png") == [
        FileTask(source, tmp_path / "out.png", name=Path("a b.png"), kind="png")
    ]
    assert plan_tasks([source], tmp_path / "out") == [
        FileTask(source, tmp_path / "out" / "a b.png", name=Path("a b.png"))
    ]
    (tmp_path / "there.png").mkdir()
    assert plan_tasks([source], tmp_path / "there.png") == [
        FileTask(source, tmp_path / "there.png" / "a b.png", name=Path("a b.png"))
    ]


def test_folders_keep_their_tree_and_leave_out_what_is_hidden_or_no_image(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    touch(
        folder / "a.png",
        folder / "x" / "b.JPG",
        folder / ".hidden.png",
        folder / ".git" / "c.png",
        folder / "notes.txt",
    )
    assert plan_tasks([folder], tmp_path / "out") == [
        FileTask(folder / "a.png", tmp_path / "out" / "a.png", name=Path("a.png")),
        FileTask(folder / "x" / "b.JPG", tmp_path / "out" / "x" / "b.JPG", name=Path("x/b.JPG")),
    ]


def test_links_that_loop_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    assert len(plan_tasks([tmp_path / "in"], tmp_path / "out")) == 1


def test_an_input_is_replaced_only_by_its_own_result_and_only_if_asked(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png")
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    for out in (tmp_path / "in", tmp_path / "alias", tmp_path / "in" / ".." / "in"):
        with pytest.raises(UsageError, match="is an input"):
            plan_tasks([tmp_path / "in"], out)
        assert len(plan_tasks([tmp_path / "in"], out, overwrite=True)) == 1
    touch(tmp_path / "in" / "b.png")
    with pytest.raises(UsageError, match="is an input"):
        plan_tasks([tmp_path / "in" / "a.png"], tmp_path / "in" / "a.png")
    with pytest.raises(UsageError, match="is an input"):  # of b, and a is another's
        plan_tasks([tmp_path / "in" / "b.png"], tmp_path / "in" / "b.png")


def test_two_inputs_that_would_become_one_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "x.png", tmp_path / "b" / "x.png")
    with pytest.raises(UsageError, match="written twice"):
        plan_tasks([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


def test_missing_inputs_and_other_kinds_are_named(tmp_path: Path) -> None:
    touch(tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    for given, hint in (
        ("nowhere", "no such file or folder"),
        ("notes.txt", "no format that is read"),
        ("empty", "holds no images"),
    ):
        with pytest.raises(BadImage, match=hint):
            plan_tasks([tmp_path / given], tmp_path / "out")


def test_what_is_written_beside_a_result_replaces_nothing(tmp_path: Path) -> None:
    touch(tmp_path / "a.png", tmp_path / "a.jpg", tmp_path / "a-error.png")

    def planned(*names: str, **others: bool) -> list[FileTask]:
        return plan_tasks(
            [tmp_path / name for name in names], tmp_path / "out", with_error_map=True, **others
        )

    for names in (("a.png", "a.jpg"), ("a.png", "a-error.png")):
        with pytest.raises(UsageError, match=r"a-error\.png: would be written twice"):
            planned(*names)
    assert len(planned("a.png")) == 1
    touch(tmp_path / "out" / "a-error.tif")
    with pytest.raises(UsageError, match=r"a-error\.tif: exists already"):
        planned("a.png")
    assert len(planned("a.png", overwrite=True)) == 1
