"""Sheets of a film before it is restored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restorae.film import FilmRequest, plan_films, preview_film, restore_films
from restorae.restoring import RestoreRequest, RestorerPool
from restorae.restoring.restorer import Restorer
from tests.clips import decoded
from tests.known_restorer import Known
from tests.small_cleaner import cleaner, save_grey, scene

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film): films are not cleaned.")

CUTS = "[[shot]]\nfirst = 0\n\n[[shot]]\nfirst = 5\nstrength = 0.5\n"


@pytest.mark.parametrize("restorer", [cleaner(), Known(0.5, 0.3)], ids=["cleaner", "single"])
def test_previews_show_the_worst_frames_as_they_will_be(tmp_path: Path, restorer: Restorer) -> None:
    images = np.concatenate([scene(5), scene(6, seed=1)])
    source, cuts = tmp_path / "clip.mkv", tmp_path / "cuts.toml"
    save_grey(source, images)
    cuts.write_text(CUTS)
    film = FilmRequest(cuts=cuts, lossless=True, deflicker=1.0)
    pool, request = RestorerPool.of(restorer), RestoreRequest(model="known")
    shots = list(preview_film(source, request, film, pool, count=2))
    assert not list(tmp_path.glob("*.pieces"))
    restore_films(plan_films([source], tmp_path / "out.mkv"), request, film, pool)
    restored = [planes[0] for _, planes in decoded(tmp_path / "out.mkv")]
    assert [shot.number for shot in shots] == [1, 2]
    for shot in shots:
        assert len(shot.rows) == 2
        for label, (before, after, repaired) in shot.rows:
            number = int(label.split()[1])
            assert (number >= 5) == (shot.number == 2)
            assert np.array_equal(np.rint(before[0].numpy() * 255), images[number])
            assert np.array_equal(np.rint(after[0].numpy() * 255), restored[number])
            assert before.shape == repaired.shape
        shares = [float(label.split()[-2].rstrip("%")) for label, _ in shot.rows]
        assert shares == sorted(shares, reverse=True)
