"""A server of the S3 protocol on this machine, and scans to restore."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of six small images, two of them in a folder below."""
    rng = np.random.default_rng(0)
    for index in range(6):
        path = tmp_path / "scans" / ("box/" if index > 3 else "") / f"scan {index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        slope = np.add.outer(np.arange(60.0), np.arange(80.0 + index))[..., None]
        noisy = slope + rng.normal(0, 20, (60, 80 + index, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
    return tmp_path / "scans"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A client of a server with an empty bucket `archive`; the environment leads there."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "AKIATESTING",
        "AWS_SECRET_ACCESS_KEY": "not-to-be-printed",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    import boto3
    import fsspec

    # the objects of all servers lie in this process, those of earlier tests too
    urllib.request.urlopen(f"http://{host}:{port}/moto-api/reset", data=b"").close()
    client = boto3.client("s3")
    client.create_bucket(Bucket="archive")
    try:
        yield client
    finally:
        fsspec.filesystem("s3").clear_instance_cache()
        server.stop()
