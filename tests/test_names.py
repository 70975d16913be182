"""Names that are equal to a reader: found in any normal form, and told apart where the file system does."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from restorae.names import NamesOnDisk, folded, normal, tells_names_apart

COMPOSED = "Öl auf Å.png"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def test_a_file_is_found_in_the_form_in_which_it_is_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / DECOMPOSED).mkdir()
    (tmp_path / DECOMPOSED / DECOMPOSED).touch()
    names = NamesOnDisk()
    found = names.find(tmp_path / COMPOSED / COMPOSED)
    assert found == tmp_path / DECOMPOSED / DECOMPOSED
    absent = tmp_path / COMPOSED / "ä.png"
    assert names.find(absent) == tmp_path / DECOMPOSED / "ä.png"


def test_where_both_forms_are_there_each_is_found(tmp_path: Path) -> None:
    for name in (COMPOSED, DECOMPOSED):
        (tmp_path / name).touch()
        assert NamesOnDisk().find(tmp_path / name) == tmp_path / name


def test_names_compare_by_what_a_reader_sees() -> None:
    assert normal(COMPOSED) == normal(DECOMPOSED)
    assert folded("STRASSE ÄÖ") == folded(unicodedata.normalize("NFD", "Straße äö"))
    assert normal("A") != normal("a")


@pytest.mark.parametrize("ignores", ["nothing", "case", "accents"])
def test_whether_names_are_kept_apart_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignores: str
) -> None:
    seen = {"nothing": str, "case": str.casefold, "accents": normal}[ignores]

    def exists(path: Path) -> bool:
        return any(seen(str(path)) == seen(str(each)) for each in tmp_path.iterdir())

    monkeypatch.setattr(os.path, "lexists", exists)
    cases = {tmp_path / "new" / "A.png", tmp_path / "new" / "a.png"}
    forms = {tmp_path / "new" / COMPOSED, tmp_path / "new" / DECOMPOSED}
    assert tells_names_apart(cases) == (ignores != "case")
    assert tells_names_apart(forms) == (ignores != "accents")
    assert not list(tmp_path.iterdir())
