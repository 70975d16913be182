"""The repair map names what was repaired: strong changes, suspected ones, and faint scratches along their length."""

from __future__ import annotations

import torch

from restorae.film.repairs import REPAIRED, repair_map

SIZE = 96, 128


def _grain() -> torch.Tensor:
    """Changes that grain makes where it is removed: standard deviation 0.02."""
    return 0.02 * torch.randn(SIZE, generator=torch.Generator().manual_seed(0))


def test_a_faint_scratch_counts_along_its_length_and_as_much_suspicion_elsewhere_does_not() -> None:
    change, suspected = _grain(), torch.zeros(SIZE)
    suspected[10:90, 40] = 0.45
    change[10:90, 40] += 0.05
    suspected[10:90, 90] = 0.45  # an edge that stands upright
    suspected[50, 60:100] = 0.45  # as long, but across
    suspected[20:26, 110] = 0.45
    change[50, 60:100] += 0.05
    repaired = repair_map(change, suspected) >= REPAIRED
    assert repaired[22:78, 40].all()  # at its ends it is as short as what is no scratch
    assert not repaired[:, 41:].any()
    assert not repaired[:, :40].any()


def test_strong_changes_count_and_suspicion_without_change_does_not() -> None:
    change, suspected = _grain(), torch.zeros(SIZE)
    change[30:34, 30:34] = 0.4
    change[60:64, 60:64] = 0.09
    suspected[60:64, 60:64] = 0.8
    suspected[80:84, 80:84] = 0.8  # dust that was left as it is
    change[80:84, 80:84] = 0.001
    repaired = repair_map(change, suspected) >= REPAIRED
    assert repaired[30:34, 30:34].all()
    assert repaired[60:64, 60:64].all()
    assert not repaired[80:84, 80:84].any()
