"""Facts for a film's plan: what was asked for, what restores, and on what machine."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from restorae.film.request import FilmRequest
from restorae.machine import Precision, choose_device, choose_precision
from restorae.restoring.log import model_digest
from restorae.restoring.request import RestoreRequest
from restorae.restoring.restorer import Restorer
from restorae.version import VERSION


def facts_of_requests(request: RestoreRequest, film: FilmRequest) -> dict[str, Any]:
    """What was asked for, as far as the pieces depend on it; model, tile and encoding are kept apart."""
    asked = without(request.to_dict(), "model", "quality", "tile", "keep_times")
    return asked | {
        "from_time": film.from_time,
        "to_time": film.to_time,
        "frame_rate": film.frame_rate,
        "has_repair_map": film.repair_map is not None,
        "compares": film.compare is not None,
        "deflicker": film.deflicker,
        "stabilise": film.stabilise,
    }


def without(settings: dict[str, Any], *names: str) -> dict[str, Any]:
    """All settings but those of these names."""
    return {name: value for name, value in settings.items() if name not in names}


def facts_of_restorer(restorer: Restorer) -> dict[str, str]:
    """Its name and, of a model, the checksum of its file."""
    digest = model_digest(restorer.name)
    return {"name": restorer.name} | ({"sha256": digest} if digest else {})


def facts_of_machine(precision: Precision, compares_frames: bool = False) -> dict[str, Any]:
    """Versions, device and precision."""
    device = choose_device()
    return {
        "restorae": VERSION,
        "torch": version("torch"),
        "PyAV": version("av"),
        **({"OpenCV": version("opencv-python-headless")} if compares_frames else {}),
        "precision": choose_precision(precision, device),
        "device": device.type,
    }
