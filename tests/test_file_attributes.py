"""Rights, times and links of results: never more rights than the original, and no change of another program is lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from restorae.errors import BadImage, OutputError
from restorae.file_attributes import SourceFile, made_from
from restorae.files import write_bytes, written_whole

OLD = 900_000_000
"""July 1998."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"private")
    os.utime(path, (OLD, OLD))
    return path


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("rights", [0o600, 0o664, 0o640, 0o444, 0o755], ids=oct)
def test_in_place_rights_and_times_stay(source: Path, rights: int) -> None:
    source.chmod(rights)
    with made_from(SourceFile.of(source)):
        write_bytes(source, b"restored")
    assert (mode(source), source.stat().st_mtime) == (rights, OLD)
    assert source.read_bytes() == b"restored"


@pytest.mark.parametrize(
    ("rights", "existing", "expected"),
    [
        (0o600, None, 0o600),
        (0o664, None, 0o644),  # the umask takes the group's right to write
        (0o440, None, 0o440),
        (0o755, None, 0o644),
        (0o644, 0o600, 0o600),
        (0o600, 0o644, 0o600),
        (0o664, 0o664, 0o664),
    ],
)
def test_elsewhere_nobody_gets_more_rights_than_on_the_original(
    source: Path, rights: int, existing: int | None, expected: int
) -> None:
    source.chmod(rights)
    target = source.with_name("target")
    if existing is not None:
        target.touch()
        target.chmod(existing)
    with made_from(SourceFile.of(source)), written_whole(target) as partial:
        partial.write_bytes(b"half")
        assert not mode(partial) & ~rights & 0o077, "nor while it is written"
    assert (mode(target), target.stat().st_mtime) == (expected, OLD)


def test_without_an_original_a_replaced_file_keeps_its_rights(source: Path) -> None:
    source.chmod(0o620)
    write_bytes(source, b"new")
    assert mode(source) == 0o620
    write_bytes(source.with_name("new"), b"new")
    assert mode(source.with_name("new")) == 0o644


def test_times_are_kept_on_request_only(source: Path) -> None:
    with made_from(SourceFile.of(source, keep_times=False)):
        write_bytes(source, b"restored")
        write_bytes(source.with_name("other"), b"restored")
    assert min(source.stat().st_mtime, source.with_name("other").stat().st_mtime) > OLD + 1


def test_a_link_stays_a_link_and_its_file_is_written(source: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link"
    link.symlink_to("../source")
    with made_from(SourceFile.of(link)):
        write_bytes(link, b"restored")
    assert link.readlink() == Path("../source")
    assert source.read_bytes() == b"restored"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "link", "source"]


def test_other_names_of_a_file_are_told_of_and_keep_the_original(source: Path) -> None:
    os.link(source, source.with_name("other"))
    found = SourceFile.of(source)
    with made_from(found):
        write_bytes(source, b"restored")
    assert source.with_name("other").read_bytes() == b"private"
    assert "1 other name" in found.notices(source)[0]
    assert not found.notices(source.with_name("elsewhere"))


@pytest.mark.parametrize("change", ["edited", "replaced", "removed"])
def test_an_original_that_changed_meanwhile_is_not_replaced(source: Path, change: str) -> None:
    found = SourceFile.of(source)
    match change:
        case "edited":
            source.write_bytes(b"by hand")
        case "replaced":
            write_bytes(source, b"by hand")
            os.utime(source, (OLD, OLD))
        case _:
            source.unlink()
    with pytest.raises(BadImage, match="was changed while"), made_from(found):
        write_bytes(source, b"restored")
    assert [path.read_bytes() for path in source.parent.iterdir()] == (
        [] if change == "removed" else [b"by hand"]
    )


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_file_that_another_program_wrote_meanwhile_is_kept(
    source: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    target = source.with_name("target")
    with made_from(SourceFile.of(source, new=target)):
        write_bytes(target, b"first")
        with pytest.raises(BadImage, match="another program"):
            write_bytes(target, b"second")
    assert target.read_bytes() == b"first"
    assert len(list(source.parent.iterdir())) == 2


def test_a_group_that_cannot_be_kept_gets_what_everybody_has(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    source.chmod(0o660)
    monkeypatch.setattr(os, "chown", refuse)
    with made_from(SourceFile.of(source)):
        write_bytes(source, b"restored")
    assert mode(source) == 0o600


def test_a_folder_that_vanishes_is_an_output_error(source: Path) -> None:
    folder = source.with_name("folder")

    def write_and_remove() -> None:
        with written_whole(folder / "target") as partial:
            partial.unlink()
            folder.rmdir()

    with pytest.raises(OutputError):
        write_and_remove()
