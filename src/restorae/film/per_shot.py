"""Each frame through the restorer of its shot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restorae.film.planes import PlaneRestorer, Planes, sample_frame
from restorae.film.shots import Shot, Shots
from restorae.formats.video import FrameReader
from restorae.restoring.opening import RestorerPool
from restorae.restoring.request import RestoreRequest


class ShotRestorer:
    """Restores a frame by the settings of its shot; restorers are prepared when their first shot comes, one for equal settings.

    Args:
        usual: for shots without settings of their own.
        shots: of the film.
        request: how the whole film is restored.
        restorers: where restorers come from.
        reader: of the film.
    """

    def __init__(
        self,
        usual: PlaneRestorer,
        *,
        shots: Shots,
        request: RestoreRequest,
        restorers: RestorerPool,
        reader: FrameReader,
    ) -> None:
        self._usual, self._shots, self._request = usual, shots, request
        self._restorers, self._reader = restorers, reader
        self._prepared: dict[tuple[str | None, float | None], PlaneRestorer] = {(None, None): usual}

    def __call__(self, number: int, planes: Planes) -> list[np.ndarray]:
        """The restored planes of frame `number`."""
        shot = self._shots.of(number)
        key = shot.model, shot.strength
        if key not in self._prepared:
            self._prepared[key] = self._prepare(shot)
        return self._prepared[key](planes)

    def _prepare(self, shot: Shot) -> PlaneRestorer:
        request = self._request
        restorer = self._usual.restorer if shot.model is None else self._restorers.get(shot.model)
        return PlaneRestorer(
            restorer,
            replace(
                request,
                model=shot.model or request.model,
                strength=request.strength if shot.strength is None else shot.strength,
            ),
            facts=self._reader.facts,
            sample=sample_frame(self._reader) if restorer.capabilities.measures_noise else None,
            tile=self._usual.tile,
        )
