"""Restoring files: pictures, arrays and folders of them."""

from restorae.restoring.files import Failure, read, run, write
from restorae.restoring.jobs import Job, plan

__all__ = ["Failure", "Job", "plan", "read", "run", "write"]
