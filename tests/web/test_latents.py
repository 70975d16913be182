"""Latent space through the API: latents decode to what the model decodes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import restorae
from restorae.latent import manifold
from tests.web.conftest import TestClient, decoded, noise, refused, send

VAE = "/api/models/digits-vae"


@pytest.fixture(scope="module")
def vae() -> restorae.Model:
    return restorae.load("digits-vae")


def in_bytes(images: np.ndarray) -> np.ndarray:
    return np.rint(images * 255).astype(np.uint8)


def test_a_place_decodes_to_what_the_model_decodes(server: TestClient, vae: restorae.Model) -> None:
    expected = in_bytes(vae.decode(np.asarray([[0.3, -1.2]], np.float32)))
    assert np.array_equal(
        decoded(server.get(f"{VAE}/decode", params={"at": "0.3,-1.2"}).content), expected[0]
    )
    bare = server.get(f"{VAE}/decode", params={"at": "0.3,-1.2", "as": "raw"})
    assert bare.headers["x-shape"] == "1,28,28"
    assert bare.content == expected.tobytes()
    many = server.post(f"{VAE}/decode", json={"latents": [[0.3, -1.2], [0, 0]]})
    assert many.content[: expected.size] == expected.tobytes()


def test_the_plane_shows_what_decodes_where(server: TestClient, vae: restorae.Model) -> None:
    shown = decoded(server.get(f"{VAE}/plane.png", params={"n": 4, "range": 2}).content)
    # four cells from -2 to 2 have their middles at ±0.5 and ±1.5
    assert np.array_equal(shown, in_bytes(manifold(vae, 4, 1.5).canvas))
    walked = server.get(
        "/api/models/digits-vae-strong/plane.png",
        params={"n": 2, "right": 3, "up": 7, "at": ",".join(["0.1"] * 40)},
    )
    assert decoded(walked.content).shape == (56, 56)


def test_clusters_are_the_means_of_digits_with_their_labels(
    server: TestClient, vae: restorae.Model
) -> None:
    found = server.get(f"{VAE}/clusters").json()
    images = restorae.open_images("digits", "test")
    assert len(found["means"]) == len(found["labels"]) == len(images)
    expected = vae.encode(images.batch(range(5))).mean.numpy()
    assert np.allclose(found["means"][:5], expected, atol=1e-3)
    assert set(found["labels"]) == set("0123456789")


def test_an_image_is_encoded_and_decoded_as_by_the_model(
    server: TestClient, vae: restorae.Model
) -> None:
    digit = in_bytes(restorae.open_images("digits", "test").batch([3]).numpy()[0, 0])
    told = send(server, digit)
    found = server.post(f"{VAE}/encode/{told['id']}").json()
    posterior = vae.encode(digit)
    assert np.allclose(found["mean"], posterior.mean[0].numpy(), atol=1e-4)
    assert np.allclose(found["std"], np.exp(0.5 * posterior.log_var[0].numpy()), atol=1e-4)
    assert found["notices"] == []
    both = decoded(server.get(f"{VAE}/reconstruct/{told['id']}.png").content)
    assert np.array_equal(both[:, :28], digit)
    assert np.abs(both[:, 28:].astype(int) - vae.reconstruct(digit)).max() <= 1


def test_an_image_of_another_kind_is_fitted_with_a_notice(server: TestClient) -> None:
    told = send(server, noise(90, 120, 3))
    notices = server.post(f"{VAE}/encode/{told['id']}").json()["notices"]
    assert len(notices) == 2
    assert "28 × 28" in notices[1]


def test_samples_are_those_of_the_command_line(server: TestClient, vae: restorae.Model) -> None:
    latents = server.get(f"{VAE}/sample", params={"count": 4, "seed": 7}).json()["latents"]
    assert np.array_equal(
        in_bytes(vae.sample(4, 7)), in_bytes(vae.decode(np.asarray(latents, np.float32)))
    )
    assert decoded(
        server.get(f"{VAE}/sample.png", params={"count": 4, "seed": 7}).content
    ).shape == (56, 56)


def test_a_walk_is_a_gif_there_and_back(server: TestClient) -> None:
    answer = server.post(
        f"{VAE}/walk.gif", json={"start": [-2, 0], "end": [2, 1], "steps": 5, "zoom": 2}
    )
    assert answer.headers["content-type"] == "image/gif"
    walk = Image.open(io.BytesIO(answer.content))
    assert walk.size == (56, 56)
    assert getattr(walk, "n_frames", 1) == 8


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("digits-vae/decode?at=1,2,3", "2 coordinate"),
        ("digits-vae/decode?at=a,b", "numbers separated by commas"),
        ("digits-vae/decode", "numbers separated by commas"),
        ("digits-vae/decode?at=nan,0", "lies between"),
        ("digits-denoiser/decode?at=0,0", "not a variational auto-encoder"),
        ("nobody/decode?at=0,0", "There is no model"),
        ("digits-vae/plane.png?n=33", "n:"),
        ("digits-vae/plane.png?right=0&up=0", "two different"),
        ("digits-vae/clusters?data=../etc", "There is no data set"),
        ("digits-vae/sample?count=100000", "count:"),
    ],
)
def test_an_impossible_interpolation_is_reported(server: TestClient, path: str, hint: str) -> None:
    assert hint in refused(server.get(f"/api/models/{path}"), 422)
