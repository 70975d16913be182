"""Old film: for images one by one, and for clips with processes in time."""

from restorae.degradations.old_film.clips import DamagedClip, FilmDamager, damage_clip
from restorae.degradations.old_film.kind import OldFilm
from restorae.degradations.old_film.parameters import FilmParameters
from restorae.degradations.old_film.window import Window

__all__ = ["DamagedClip", "FilmDamager", "FilmParameters", "OldFilm", "Window", "damage_clip"]
