"""Restoring files: pictures, arrays and folders of them."""

from restorae.restoring.files import Failure, read, run, write
from restorae.restoring.jobs import Job, plan
from restorae.restoring.samples import as_float, refuse_losses, write_samples

__all__ = ["Failure", "Job", "as_float", "plan", "read", "refuse_losses", "run", "write", "write_samples"]
