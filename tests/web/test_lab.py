"""The damage lab: every kind with its schema, and experiments whose numbers are those of `evaluate`."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from restorae.data import open_images
from restorae.degradations import Degradation
from restorae.degradations.contract import Composite
from restorae.parts import kinds
from restorae.randomness import generator
from tests.web.conftest import TestClient, decoded, noise, refused, send


def test_every_kind_of_damage_is_there_with_the_schema_of_its_settings(server: TestClient) -> None:
    told = {each["kind"]: each for each in server.get("/api/degradations").json()}
    known = {kind.kind: kind for kind in kinds(Degradation) if not issubclass(kind, Composite)}
    assert set(known) <= set(told)
    for name, kind in known.items():
        assert set(told[name]["schema"].get("properties", {})) == set(kind.model_fields)
        assert told[name]["about"].endswith(".")
        assert "\\" not in told[name]["about"], "a formula that a page cannot show"


def test_a_kind_of_ones_own_appears_by_itself(server: TestClient) -> None:
    class Inverted(Degradation, kind="inverted-for-the-page"):
        """Light is dark."""

        def change(self, images, amounts, rng):  # type: ignore[no-untyped-def]
            return 1 - images

    assert "inverted-for-the-page" in {
        each["kind"] for each in server.get("/api/degradations").json()
    }
    found = server.post(
        "/api/experiments", json={"sample": "camera", "links": [{"kind": "inverted-for-the-page"}]}
    ).json()
    clean, degraded = (
        decoded(server.get(found["images"][which]).content).astype(int)
        for which in ("clean", "degraded")
    )
    assert np.array_equal(degraded, 255 - clean)


def test_an_experiment_is_what_the_command_line_draws_and_scores(server: TestClient) -> None:
    spec = "gaussian-noise(mean=0.5,sigma=0.3)"
    found = server.post(
        "/api/experiments",
        json={"sample": "digits", "degradation": spec, "model": "digits-denoiser", "seed": 3},
    ).json()
    clean = open_images("digits", "test").batch(range(15))
    degraded = Degradation.of(spec).draw(generator(3), 15).apply(clean)
    psnrs = [
        peak_signal_noise_ratio(one.numpy(), other.numpy(), data_range=1)
        for one, other in zip(clean, degraded, strict=True)
    ]
    assert found["scores"]["degraded"]["psnr"] == pytest.approx(np.mean(psnrs), abs=1e-3)
    assert found["scores"]["restored"]["psnr"] > 18
    assert found["spec"] == spec
    assert f"--with '{spec}'" in found["command"]
    assert decoded(server.get(found["images"]["restored"]).content).shape == (3 * 28, 5 * 28)


def test_links_are_a_chain_and_ranges_stay_ranges(server: TestClient) -> None:
    links = [{"kind": "blur", "sigma": 1.5}, {"kind": "gaussian-noise", "sigma": "0.1..0.2"}]
    found = server.post("/api/experiments", json={"sample": "coffee", "links": links}).json()
    assert found["spec"] == "blur(sigma=1.5) | gaussian-noise(sigma=0.1..0.2)"
    assert "restored" not in found["images"]


def test_ones_own_image_is_worked_on_at_full_resolution(server: TestClient) -> None:
    pixels = noise(500, 700, 3)
    told = send(server, pixels)
    wish = {"image": told["id"], "x": 0.0, "y": 1.0, "degradation": "blur(sigma=0)"}
    found = server.post("/api/experiments", json=wish).json()
    assert np.array_equal(decoded(server.get(found["images"]["clean"]).content), pixels[180:, :320])


@pytest.mark.parametrize(
    ("wish", "hint"),
    [
        ({"degradation": "gausian-noise"}, "Did you mean 'gaussian-noise'?"),
        ({"degradation": "gaussian-noise(sigma=-1)"}, "is below 0"),
        ({"links": []}, "There is no damage yet"),
        ({"links": [{"kind": "chain", "parts": []}] * 21}, "links"),
        (
            {"links": [{"kind": "blur", "defined_in": "os:system", "sigma": 1, "strange": 1}]},
            "no setting 'strange'",
        ),
        ({"degradation": "blur", "sample": "../etc"}, "no sample"),
        ({"degradation": "blur", "model": "../etc"}, "There is no model"),
        ({"degradation": "blur", "model": "digits-vae"}, "not to restore"),
        ({"degradation": "blur", "seed": -1}, "seed"),
        ({"degradation": "blur(sigma=NaN)"}, "finite"),
    ],
)
def test_what_cannot_be_tried_is_reported(
    server: TestClient, wish: dict[str, object], hint: str
) -> None:
    answer = server.post("/api/experiments", json=wish)
    assert answer.status_code in (404, 422), answer.text
    assert hint in refused(answer, answer.status_code)
