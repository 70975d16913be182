"""Colours of a film from several sources: what is chosen, what contradicts, and what a preview shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restorae.colouring.opponent import BT601
from restorae.film import FilmRequest, preview_film
from restorae.film.colour.carrying import Colours
from restorae.film.colour.fusing import SOURCES, Fuser
from restorae.formats import write_still
from restorae.restoring import RestoreRequest, RestorerPool
from tests.coloured_film import FRAMES, OWN, colour, rgb_of, save, scene
from tests.known_restorer import identity

SIZE = (32, 48)


class Taking(nn.Module):
    """Stands for the network: takes one source everywhere."""

    def __init__(self, source: int) -> None:
        super().__init__()
        self.source = source

    def forward(self, planes: Tensor) -> Tensor:
        change = torch.zeros(len(planes), SOURCES + 1, *planes.shape[2:])
        change[:, self.source] = 50
        return change


def known(chroma: tuple[float, float], trust: float, luma: np.ndarray) -> Colours:
    planes = np.broadcast_to(np.array(chroma, np.float32), (*SIZE, 2))
    return Colours(chroma=planes, trust=np.full(SIZE, trust, np.float32), luma=luma)


def test_the_network_chooses_among_colours_and_makes_none() -> None:
    luma = np.random.default_rng(0).uniform(0, 1, SIZE).astype(np.float32)
    before, after = known((0.2, -0.1), 0.9, luma), known((-0.3, 0.1), 0.5, luma)
    matched = known((0.1, 0.1), 0.4, luma)
    expected = [(0.2, -0.1), (-0.3, 0.1), (0.1, 0.1), None]
    for source, chroma in enumerate(expected):
        found = Fuser(Taking(source))(luma, (before, after), matched=matched, weight=0.1)
        if chroma is not None:
            assert np.allclose(found.chroma, chroma, atol=1e-4)
        assert np.abs(found.chroma).max() <= 0.3 + 1e-4


def test_what_has_another_luma_is_trusted_less() -> None:
    luma = np.full(SIZE, 0.5, np.float32)
    other = luma.copy()
    other[:, 30:] += 0.4
    moved, still = known((0.2, 0), 1.0, other), known((-0.2, 0), 0.5, luma)
    found = Fuser()(luma, (moved, still)).chroma[..., 0]
    assert found[:, :20].min() > 0 > found[:, 38:].max()


def test_where_nothing_is_known_there_is_no_colour() -> None:
    luma = np.full(SIZE, 0.5, np.float32)
    found = Fuser()(luma, (known((0.2, 0), 0.0, luma), None))
    assert found.trust.max() < 0.01


def test_of_references_of_one_frame_the_first_counts(tmp_path: Path) -> None:
    save(tmp_path / "grey.mkv", scene())
    luma, chroma = BT601.to_opponent(scene()[OWN] / np.float32(255))
    other = np.clip(BT601.to_rgb(luma, chroma[..., ::-1] * np.float32(-1)), 0, 1)
    write_still(tmp_path / "one.png", scene()[OWN])
    write_still(tmp_path / "two.png", np.rint(other * 255).astype(np.uint8))
    references = (tmp_path / "one.png", tmp_path / "two.png")
    report = colour(tmp_path / "grey.mkv", tmp_path / "out.mkv", *references, strength=0.0)
    assert not report.failures, report.failures
    expected = "two.png shows the same as one.png in other colours: those of one.png are used"
    assert expected in report.films[0].notices
    error = rgb_of(tmp_path / "out.mkv")[OWN].astype(float) - scene()[OWN]
    assert np.abs(error).mean() < 2.5


def test_a_preview_shows_the_colours_of_the_film(tmp_path: Path) -> None:
    source = tmp_path / "grey.mkv"
    save(source, scene())
    write_still(tmp_path / "reference.png", scene()[OWN])
    request = RestoreRequest(model="known", references=(tmp_path / "reference.png",))
    film = FilmRequest(lossless=True, deflicker=0)
    pool = RestorerPool.of(identity())
    (shot,) = preview_film(source, request, film, pool, count=FRAMES)
    report = colour(source, tmp_path / "out.mkv", *request.references)
    assert not report.failures, report.failures
    whole = rgb_of(tmp_path / "out.mkv").astype(float)
    assert len(shot.rows) == FRAMES
    for label, (_, after, _) in shot.rows:
        shown = after.permute(1, 2, 0).numpy() * 255
        error = np.abs(shown - whole[int(label.split()[1])])
        assert error.mean() < 3  # the film's chroma is stored at half size, in 8 bits
