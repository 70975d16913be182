"""An image without damage is left as it is where the model is chosen for it, as on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data

from tests.command import run
from tests.web.conftest import TestClient, decoded, encoded, finished, send


def test_a_clean_photograph_comes_back_byte_for_byte_and_a_noisy_one_does_not(
    server: TestClient, tmp_path: Path
) -> None:
    clean = decoded(encoded(skimage.data.astronaut()[:320, :320], "jpeg", quality=90))
    noise = np.random.default_rng(0).normal(0, 20, clean.shape)
    noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
    for pixels, unchanged in ((clean, True), (noisy, False)):
        content = encoded(pixels)
        image = send(server, content)["id"]
        preview = server.post(f"/api/images/{image}/preview.png", json={})
        assert ("x-unchanged" in preview.headers) == unchanged
        job = server.post(f"/api/images/{image}/restore", json={}).json()
        assert finished(server, job)["state"] == "done"
        restored = server.get(f"/api/images/{image}/restored").content
        (tmp_path / "image.png").write_bytes(content)
        run("restore", "image.png", "--out", "out.png", "--overwrite", cwd=tmp_path)
        assert restored == (tmp_path / "out.png").read_bytes()
        assert (restored == content) == unchanged
        assert np.array_equal(decoded(preview.content), decoded(restored))
        told = server.get(f"/api/images/{image}").json()["results"][-1]
        assert (told["unchanged"], told["model"]) == (unchanged, "photo-denoiser")
        job = server.post(f"/api/images/{image}/restore", json={"model": "photo-denoiser"}).json()
        finished(server, job)
        assert not server.get(f"/api/images/{image}").json()["results"][-1]["unchanged"]
