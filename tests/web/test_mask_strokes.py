"""Strokes of a brush become the mask that one sees."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from restorae.web.mask_strokes import Stroke, paint


def by_hand(stroke: Stroke, height: int, width: int) -> np.ndarray:
    """Each pixel by itself: how far is its centre from the nearest of many places along the stroke."""
    places = [
        (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        for (x0, y0), (x1, y1) in zip(
            stroke.points, [*stroke.points[1:], stroke.points[-1]], strict=True
        )
        for share in np.linspace(0, 1, 400)
    ]
    return np.asarray(
        [
            [
                min(np.hypot(x - column - 0.5, y - row - 0.5) for x, y in places)
                for column in range(width)
            ]
            for row in range(height)
        ]
    )


@given(
    radius=st.floats(0.5, 6),
    points=st.lists(st.tuples(st.floats(-5, 25), st.floats(-5, 20)), min_size=1, max_size=3),
)
def test_a_stroke_covers_what_is_near_enough(
    radius: float, points: list[tuple[float, float]]
) -> None:
    stroke = Stroke(radius=radius, points=points)
    painted = paint([stroke], 15, 20)
    distance = by_hand(stroke, 15, 20)
    assert (painted[distance < radius - 0.1] == 255).all()
    assert (painted[distance > radius + 0.1] == 0).all()


def test_the_eraser_takes_away_what_was_painted_before_and_not_what_comes_after() -> None:
    line = [(0.0, 2.5), (10.0, 2.5)]
    strokes = [
        Stroke(radius=1, points=line),
        Stroke(radius=1, points=line, erase=True),
        Stroke(radius=1, points=[(2.5, 2.5)]),
    ]
    painted = paint(strokes, 5, 10)
    assert painted[2].tolist() == [0, 255, 255, 255, *[0] * 6]


def test_strokes_beside_the_image_change_nothing() -> None:
    assert not paint([Stroke(radius=3, points=[(-100, -100), (-50, 400)])], 20, 30).any()
