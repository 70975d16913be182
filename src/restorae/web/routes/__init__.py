"""The API, one file for each thing that a page shows."""

from restorae.web.routes.batches import batches
from restorae.web.routes.film_colour import film_colour
from restorae.web.routes.films import films
from restorae.web.routes.images import images
from restorae.web.routes.jobs import jobs
from restorae.web.routes.lab import lab
from restorae.web.routes.latents import latents
from restorae.web.routes.models import models
from restorae.web.routes.trainings import trainings

__all__ = [
    "batches",
    "film_colour",
    "films",
    "images",
    "jobs",
    "lab",
    "latents",
    "models",
    "trainings",
]
