"""What was there for one frame stays, and what fell onto it goes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed (extra film): films are not cleaned.")

from restorae.film.real_changes import without_real_changes
from restorae.film.windows import WindowRestorer
from restorae.formats.video import Frame
from restorae.formats.video.layout import layout_of
from restorae.restoring import RestoreRequest, RestorerPool

HEIGHT, WIDTH = 96, 128


def faces(lids: list[float]) -> np.ndarray:
    """Frames of a bright surface with two dark eyes, whose lids reach down by a share; lashes are darker."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    frames = []
    for lid in lids:
        image = 0.6 + 0.08 * np.sin(rows / 9) * np.cos(columns / 11)
        for x in (44, 84):
            apart = ((rows - 48) / 7) ** 2 + ((columns - x) / 11) ** 2
            lashes = 41 + 12 * lid
            image = np.where(apart < 1, np.where(rows < lashes, 0.58, 0.45), image)
            image = np.where((apart < 1.3) & (np.abs(rows - lashes) < 2), 0.35, image)
        frames.append(image)
    noise = np.random.default_rng(0).normal(0, 0.008, (len(lids), HEIGHT, WIDTH))
    return np.stack(frames) + noise


def test_lids_that_close_are_kept_and_a_speck_beside_them_goes() -> None:
    lids = [0, 0.3, 0.6, 0.9, 0.9]
    images = faces(lids)
    speck = (slice(20, 25), slice(60, 66))
    clean = images[2].copy()
    images[2][speck] = 0.98
    stored = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    restorer = RestorerPool().get("film-cleaner")
    windows = WindowRestorer(
        restorer, RestoreRequest(), layout=layout_of("gray", 2), size=(HEIGHT, WIDTH)
    )
    given = [Frame(stamp=at, duration=1, planes=(each,)) for at, each in enumerate(stored)]
    found = list(windows.restore(given))[2]
    restored = found.planes[0] / 255
    eyes = np.abs(faces(lids[1:2])[0] - faces(lids[2:3])[0]) > 0.05
    moved = np.abs(clean - images[1])[eyes].mean()
    assert np.abs(restored - clean)[eyes].mean() < 0.09 * moved  # 0.11 if nothing is put back
    assert np.abs(restored - clean)[speck].max() < 0.1
    assert found.repairs is not None
    assert (found.repairs[speck] > 127).mean() > 0.9
    assert (found.repairs[eyes] > 127).mean() < 0.04


def test_nothing_is_put_back_of_what_is_suspected_or_changed_to_one_side() -> None:
    grain = np.random.default_rng(0).normal(0, 0.004, (HEIGHT, WIDTH)).astype(np.float32)
    cleaned = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    centre, suspected = cleaned + grain, np.full_like(cleaned, 0.01)
    speck = (slice(30, 36), slice(30, 36))
    centre[speck] = 0.9
    found = without_real_changes(centre, cleaned, suspected, (cleaned, cleaned))
    assert np.array_equal(found[speck], cleaned[speck])
    # an edge that moves: what was made lighter lies beside what was made darker, and the neighbours disagree
    centre[60:64, 60:80], centre[64:68, 60:80] = 0.7, 0.3
    edge = (slice(60, 68), slice(60, 80))
    before = cleaned.copy()
    before[edge] += 0.2
    found = without_real_changes(centre, cleaned, suspected, (before, cleaned))
    assert np.abs(found - centre)[edge].mean() < 0.2 * np.abs(cleaned - centre)[edge].mean()
    suspected[:] = 0.9
    found = without_real_changes(centre, cleaned, suspected, (before, cleaned))
    assert np.abs(found - cleaned)[edge].mean() < 0.1 * np.abs(cleaned - centre)[edge].mean()
