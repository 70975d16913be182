"""The cluster file of the documentation is one that `ray up` takes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from restorae.version import VERSION

FILE = Path(__file__).parents[2] / "docs/ray-cluster.yaml"


def test_it_fits_rays_schema_and_this_version() -> None:
    # found without importing Ray, which takes seconds
    import importlib.util

    ray = importlib.util.find_spec("ray")
    assert ray is not None
    assert ray.origin is not None
    schema = json.loads((Path(ray.origin).parent / "autoscaler/ray-schema.json").read_text())
    described = yaml.safe_load(FILE.read_text())
    jsonschema.validate(described, schema)
    assert described["head_node_type"] in described["available_node_types"]
    assert any(f"restorae[cluster]=={VERSION}" in each for each in described["setup_commands"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**described, "max_worker": 8}, schema)
