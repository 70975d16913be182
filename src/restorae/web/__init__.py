"""A page to look at, on this machine: restore, damage, walk through latent space, train. And the same as an API."""

from restorae.web.app import make_app
from restorae.web.options import Limits, Options
from restorae.web.serving import serve

__all__ = ["Limits", "Options", "make_app", "serve"]
