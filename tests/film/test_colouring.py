"""Grey films coloured from references: colours are the references' own, luma stays, and a stopped run can go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import restorae
from restorae.errors import Interrupted, RestoraeError
from restorae.film.analysis import FilmAnalysis
from restorae.film.colour.fusing import MODEL
from restorae.film.colour.suggesting import distances, spread, suggest_frames
from restorae.film.shots import Shots
from restorae.formats import read_still, write_still
from restorae.formats.video import read_facts
from restorae.model import load
from tests.clips import decoded
from tests.coloured_film import FRAMES, OWN, colour, raise_first, rgb_of, save, scene


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    save(folder / "grey.mkv", scene())
    write_still(folder / "reference.png", scene()[OWN])
    return folder


def test_colours_of_a_frame_are_carried_to_all_others_and_luma_stays(
    film: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    report = colour(
        film / "grey.mkv", tmp_path / "out.mkv", film / "reference.png", film={"frame_log": log}
    )
    assert not report.failures, report.failures
    assert f"frame {OWN} is the reference reference.png" in report.films[0].notices
    for (_, (luma, *_)), (_, (before, *_)) in zip(
        decoded(tmp_path / "out.mkv"), decoded(film / "grey.mkv"), strict=True
    ):
        assert np.array_equal(luma, before)
    error = rgb_of(tmp_path / "out.mkv").astype(float) - scene()
    grey = rgb_of(film / "grey.mkv").astype(float) - scene()
    assert np.abs(error[OWN]).mean() < 2.5  # chroma is stored at half size, in 8 bits
    assert np.square(error).mean((1, 2, 3)).max() < np.square(grey).mean() / 4
    lines = log.read_text().splitlines()
    assert '"reference": "reference.png"' in lines[OWN]
    assert '"colour_known": 1.0' in lines[OWN]


def test_a_stopped_run_goes_on_to_the_same_bytes(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restorae.film.piece_writing.FRAMES", 3)
    colour(film / "grey.mkv", tmp_path / "whole.mkv", film / "reference.png")
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if (
            calls == 2 * FRAMES + 1 + 7
        ):  # measured and looked through, found; then the seventh frame
            raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        colour(film / "grey.mkv", tmp_path / "out.mkv", film / "reference.png", check=stop)
    assert (tmp_path / "out.mkv.pieces" / "000000.nut").exists()
    assert not (tmp_path / "out.mkv.pieces" / "000002.nut").exists()
    colour(film / "grey.mkv", tmp_path / "out.mkv", film / "reference.png", film={"resume": True})
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()
    assert not (tmp_path / "out.mkv.pieces").exists()


def test_a_stopped_run_does_not_go_on_with_other_weights_of_the_colouriser(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restorae.film.piece_writing.FRAMES", 3)
    references, pieces = film / "reference.png", tmp_path / "out.mkv.pieces"

    def stop() -> None:
        if (pieces / "000000.nut").exists():
            raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        colour(film / "grey.mkv", tmp_path / "out.mkv", references, check=stop)
    model = load(MODEL)
    next(model.module.parameters()).data += 0.01
    model.save(tmp_path / "other.safetensors")
    monkeypatch.setattr(
        "restorae.model.files.bundled", lambda: {MODEL: tmp_path / "other.safetensors"}
    )
    with pytest.raises(RestoraeError, match=r"begun with another restorer \(sha256 of film-colour"):
        raise_first(
            colour(film / "grey.mkv", tmp_path / "out.mkv", references, film={"resume": True})
        )
    assert (pieces / "000000.nut").exists()


@pytest.mark.parametrize("layout", ["yuv420p10le", "gbrp10le"])
def test_one_frame_takes_the_colours_of_a_reference_that_is_it(layout: str, tmp_path: Path) -> None:
    save(tmp_path / "grey.mkv", scene(1), layout)
    write_still(tmp_path / "reference.png", scene(1)[0])
    report = colour(
        tmp_path / "grey.mkv", tmp_path / "out.mkv", tmp_path / "reference.png", strength=0.0
    )
    assert not report.failures, report.failures
    error = rgb_of(tmp_path / "out.mkv")[0].astype(float) - scene(1)[0]
    assert np.abs(error).mean() < 2.5


@pytest.mark.parametrize("wrong", ["grey", "empty", "film", "missing", "coloured film"])
def test_what_cannot_be_a_reference_is_refused(wrong: str, film: Path, tmp_path: Path) -> None:
    source, given = film / "grey.mkv", tmp_path / "given"
    expected = {
        "grey": "no colour",
        "empty": "holds no image",
        "film": "holds a film",
        "missing": "no such file",
        "coloured film": "in colour already",
    }[wrong]
    if wrong != "missing":
        given.mkdir()
    if wrong == "grey":
        write_still(given / "grey.png", np.repeat(scene(1)[0][..., :1], 3, 2))
    if wrong == "film":
        (given / "film.mkv").write_bytes(source.read_bytes())
    if wrong == "coloured film":
        given, source = film / "reference.png", tmp_path / "colour.mkv"
        save(source, scene(2), "yuv420p", in_colour=True)
    with pytest.raises(RestoraeError, match=expected):
        raise_first(colour(source, tmp_path / "out.mkv", given))
    if wrong == "coloured film":
        assert not colour(source, tmp_path / "out2.mkv", given, recolour=True).failures


def test_frames_are_suggested_where_they_serve_all() -> None:
    looks = torch.tensor([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]])
    apart = distances(looks, list(range(6)), [0, 0, 0, 1, 1, 2])
    assert spread(apart, 3)[0][0] in (1, 2)
    shots = {(0, 0, 0, 1, 1, 2)[index] for index, _ in spread(apart, 3)}
    assert shots == {0, 1, 2}
    one_shot = distances(torch.zeros(101, 1), list(range(101)), [0] * 101)
    assert len(spread(one_shot, 200)) == 101


def test_suggested_frames_are_found_again_when_they_are_coloured(
    film: Path, tmp_path: Path
) -> None:
    facts = read_facts(film / "grey.mkv")
    (found,) = suggest_frames(facts, FilmAnalysis(shots=Shots()), tmp_path / "stills", count=1)
    grey = read_still(found.path)
    assert np.array_equal(grey, decoded(film / "grey.mkv")[found.frame][1][0])
    assert found.serves == 1


def test_a_still_takes_the_colours_of_an_image_that_looks_alike(tmp_path: Path) -> None:
    rgb = scene()
    write_still(tmp_path / "reference.png", rgb[0])
    grey = np.rint(rgb[3] @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    write_still(tmp_path / "grey.png", grey)
    out = restorae.restore(
        tmp_path / "grey.png", references=(tmp_path / "reference.png",), strength=0.0
    )
    found = read_still(out).astype(float)
    assert np.abs(found @ np.array([0.299, 0.587, 0.114]) - grey).mean() < 1
    plain = np.square(grey[..., None] - rgb[3].astype(float)).mean()
    assert np.square(found - rgb[3]).mean() < plain / 2


def test_a_shot_takes_colours_from_its_own_references_alone(film: Path, tmp_path: Path) -> None:
    cuts = tmp_path / "cuts.toml"
    (tmp_path / "still.png").write_bytes((film / "reference.png").read_bytes())
    cuts.write_text(f'[[shot]]\nfirst = 0\n[[shot]]\nfirst = {OWN}\nreferences = ["still.png"]\n')
    report = colour(film / "grey.mkv", tmp_path / "out.mkv", strength=0.0, film={"cuts": cuts})
    assert not report.failures, report.failures
    spread = [np.ptp(frame.astype(int), -1).mean() for frame in rgb_of(tmp_path / "out.mkv")]
    assert max(spread[:OWN]) < 3 < 10 < min(spread[OWN:])
    cuts.write_text("[[shot]]\nfirst = 0\nreferences = 3\n")
    with pytest.raises(RestoraeError, match="line 3: references must be"):
        raise_first(colour(film / "grey.mkv", tmp_path / "other.mkv", film={"cuts": cuts}))
