"""Using models from Python: whatever can be passed works and comes back in the same form, or is refused in words."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
import torch
from PIL import Image

import restorae
from restorae.errors import RestoraeError, SettingsConflict, UsageError
from restorae.restoring import RestoreRequest
from restorae.restoring.keywords import RequestKeywords, RestoreKeywords
from restorae.restoring.model_restorer import ModelRestorer

CLEAN = np.asarray(Image.radial_gradient("L").resize((40, 32)), np.float32) / 255
NOISY = np.clip(
    np.stack([CLEAN, CLEAN * 0.7, CLEAN[::-1]], -1)
    + np.random.default_rng(0).normal(0, 0.1, (32, 40, 3)),
    0,
    1,
).astype(np.float32)
NOISY_8 = np.rint(NOISY * 255).astype(np.uint8)
ALPHA = np.random.default_rng(1).integers(0, 256, (32, 40, 1), np.uint8)


@pytest.fixture(scope="module")
def model():
    return restorae.load("photo-denoiser-fast")


@pytest.fixture(scope="module")
def expected(model):
    """The restored image on the working scale, (height, width, channels), by the network itself."""
    with torch.inference_mode():
        images = torch.from_numpy(NOISY.transpose(2, 0, 1))[None]
        return model.restore_images(images)[0].numpy().transpose(1, 2, 0)


CHANNELS_FIRST = NOISY.transpose(2, 0, 1)

# what is given, and how the result becomes (height, width, channels) on the working scale
ROWS = {
    "uint8": (NOISY_8, lambda x: x / 255),
    "uint16": (np.rint(NOISY * 65535).astype(np.uint16), lambda x: x / 65535),
    "float16": (NOISY.astype(np.float16), lambda x: x),
    "float32": (NOISY, lambda x: x),
    "float64": (NOISY.astype(np.float64), lambda x: x),
    "batch": (NOISY_8[None].repeat(2, 0), lambda x: x[1] / 255),
    "floats of 0 to 255": (NOISY * 255, lambda x: x / 255),
    "int32 of 0 to 255": (NOISY_8.astype(np.int32), lambda x: x / 255),
    "int64 of 0 to 255": (NOISY_8.astype(np.int64), lambda x: x / 255),
    "RGBA": (np.concatenate([NOISY_8, ALPHA], -1), lambda x: x[..., :3] / 255),
    "NumPy (n, 3, H, W)": (CHANNELS_FIRST[None], lambda x: x[0].transpose(1, 2, 0)),
    "uint8 NumPy (n, 3, H, W)": (NOISY_8.transpose(2, 0, 1)[None], lambda x: x[0].transpose(1, 2, 0) / 255),
    "Fortran order": (np.asfortranarray(NOISY), lambda x: x),
    "read-only": (np.broadcast_to(NOISY, NOISY.shape), lambda x: x),
    "tensor NCHW": (torch.from_numpy(CHANNELS_FIRST.copy())[None], lambda x: x[0].permute(1, 2, 0).numpy()),
    "tensor CHW": (torch.from_numpy(CHANNELS_FIRST.copy()), lambda x: x.permute(1, 2, 0).numpy()),
    "tensor HWC": (torch.from_numpy(NOISY.copy()), lambda x: x.numpy()),
    "half tensor": (torch.from_numpy(CHANNELS_FIRST.copy())[None].half(), lambda x: x[0].permute(1, 2, 0).numpy()),
    "bfloat16 tensor": (torch.from_numpy(CHANNELS_FIRST.copy()).bfloat16(), lambda x: x.permute(1, 2, 0).float().numpy()),
    "double tensor": (torch.from_numpy(CHANNELS_FIRST.copy())[None].double(), lambda x: x[0].permute(1, 2, 0).numpy()),
    "float tensor of 0 to 255": (torch.from_numpy(CHANNELS_FIRST * 255)[None], lambda x: x[0].permute(1, 2, 0).numpy() / 255),
    "uint8 tensor": (torch.from_numpy(NOISY_8.transpose(2, 0, 1).copy()), lambda x: x.permute(1, 2, 0).numpy() / 255),
    "PIL": (Image.fromarray(NOISY_8), lambda x: np.asarray(x) / 255),
    "PIL RGBA": (Image.fromarray(np.concatenate([NOISY_8, ALPHA], -1)), lambda x: np.asarray(x)[..., :3] / 255),
    "list": ([NOISY_8, Image.fromarray(NOISY_8)], lambda x: np.asarray(x[1]) / 255),
    "tuple": ((NOISY_8,), lambda x: x[0] / 255),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_everything_that_can_mean_one_image_is_restored_alike(model, expected, row):
    given, as_image = ROWS[row]
    restored = model.restore(given)
    assert type(restored) is type(given)
    for attribute in ("shape", "dtype", "mode", "size"):
        if hasattr(given, attribute) and not callable(getattr(given, attribute)):
            assert getattr(restored, attribute) == getattr(given, attribute)
    found = np.asarray(as_image(restored), np.float32)
    assert found.min() >= -0.5
    # their own range maps a little differently from the type's, and few bits are coarse
    assert np.abs(np.clip(found, 0, 1) - np.clip(expected, 0, 1)).mean() < 0.006
    assert np.abs(found - NOISY).mean() > 0.02


@pytest.mark.parametrize("row", ["int32 of 0 to 255", "int64 of 0 to 255", "floats of 0 to 255"])
def test_whole_numbers_come_back_within_the_range_that_they_came_in(model, row):
    given = ROWS[row][0]
    restored = model.restore(np.where(given > 128, given.max(), given.min()).astype(given.dtype))
    if restored.dtype.kind == "i":
        assert 0 <= restored.min() <= restored.max() <= 255


@pytest.mark.parametrize("row", ["RGBA", "PIL RGBA"])
def test_alpha_is_kept_to_the_bit(model, row):
    restored = np.asarray(model.restore(ROWS[row][0]))
    assert np.array_equal(restored[..., 3:], ALPHA)


REFUSED = {
    "None": (None, "expected an image"),
    "a number": (0.5, "float"),
    "str": ("image.png", "restorae.restore"),
    "Path": (Path("image.png"), "restorae.restore"),
    "list of numbers": ([[0.1, 0.2], [0.3, 0.4]], "numpy"),
    "NumPy (3, H, W)": (CHANNELS_FIRST, "axes='CHW', or use axes='NHW'"),
    "28 channels": (np.zeros((5, 32, 40, 28), np.uint8), "axes"),
    "five axes": (np.zeros((2, 5, 32, 40, 3), np.uint8), "axes"),
    "empty": (np.zeros((0, 4, 4)), "shape"),
    "complex": (np.zeros((8, 8), complex), "complex"),
    "objects": (np.full((8, 8), None), "object"),
    "strings": (np.full((8, 8), "a"), "pixels"),
    "CMYK": (Image.new("CMYK", (8, 8)), "RGB"),
    "dictionary": ({"image": NOISY}, "dict"),
    "masked array": (np.ma.masked_array(NOISY), "mask"),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_can_mean_nothing_or_two_things_is_refused_in_words(model, row):
    given, words = REFUSED[row]
    for use in (model.restore, model, restorae.load("classical:median").restore):
        with pytest.raises(RestoraeError, match=words):
            use(given)


def test_axes_say_what_a_shape_does_not(model):
    colour = model.restore(CHANNELS_FIRST, axes="CHW")
    np.testing.assert_array_equal(colour, model.restore(NOISY).transpose(2, 0, 1))
    grey = model.restore(CHANNELS_FIRST, axes="NHW")
    np.testing.assert_allclose(grey[1], model.restore(CHANNELS_FIRST[1]), atol=1e-6)


@pytest.mark.parametrize("name", ["photo-denoiser-fast", "classical:median"])
def test_strength_and_mask_mix_what_would_be_written(name):
    method = restorae.load(name)
    full = method.restore(NOISY_8).astype(float)
    half = method.restore(NOISY_8, strength=0.5)
    assert np.abs(half - (NOISY_8 + full) / 2).max() <= 0.5
    assert np.array_equal(method.restore(NOISY_8, strength=0), NOISY_8)
    mask = np.zeros((32, 40), bool)
    mask[8:20, 10:30] = True
    expected = np.where(mask[..., None], full, NOISY_8)
    for form in (mask, mask.astype(np.int64), mask * np.uint8(255), mask.astype(np.float32),
                 Image.fromarray(mask * np.uint8(255)), torch.from_numpy(mask)):  # fmt: skip
        assert np.array_equal(method.restore(NOISY_8, mask=form), expected)
    tensor = torch.from_numpy(CHANNELS_FIRST.copy())[None]
    kept = method.restore(tensor, mask=mask)
    assert torch.equal(kept[..., ~torch.from_numpy(mask)], tensor[..., ~torch.from_numpy(mask)])
    for wrong in (mask[1:], "mask.png", [mask, mask], 3 * np.ones((32, 40))):
        with pytest.raises(RestoraeError, match="mask"):
            method.restore(NOISY_8, mask=wrong)
    with pytest.raises(UsageError, match="strength"):
        method.restore(NOISY_8, strength=2)


def test_files_and_images_in_memory_are_restored_alike(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(NOISY_8).save(path)
    Image.fromarray(np.uint8([[255] * 20 + [0] * 20] * 32)).save(tmp_path / "mask.png")
    for options in ({"strength": 0.5}, {"model": "classical:nlm"}, {"self_ensemble": 2}):
        with_model = {"model": "photo-denoiser-fast", **options}
        written = restorae.restore(path, tmp_path / "out.png", overwrite=True, **with_model)
        assert written == tmp_path / "out.png"
        in_memory = restorae.restore(NOISY_8, **with_model)
        assert np.array_equal(np.asarray(Image.open(written)), in_memory), options
    filled = restorae.restore(str(path), tmp_path / "filled.png", mask=tmp_path / "mask.png")
    mask = np.asarray(Image.open(tmp_path / "mask.png"))
    assert np.array_equal(np.asarray(Image.open(filled)), restorae.restore(NOISY_8, mask=mask))


def test_paths_give_paths_and_nothing_is_replaced(tmp_path):
    for name in "ab":
        Image.fromarray(NOISY_8).save(tmp_path / f"{name}.png")
    fast = restorae.load("classical:median")
    one = restorae.restore(tmp_path / "a.png", model=fast)
    assert one == tmp_path / "a-restored.png"
    assert one.is_file()
    with pytest.raises(UsageError, match="exists"):
        restorae.restore(tmp_path / "a.png", model=fast)
    both = [tmp_path / "a.png", tmp_path / "b.png"]
    written = restorae.restore(both, tmp_path / "out", model=fast)
    assert written == [tmp_path / "out" / "a.png", tmp_path / "out" / "b.png"]
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(RestoraeError, match=r"1 of 2 files failed.*b\.png"):
        restorae.restore(both, tmp_path / "again", model=fast)
    assert (tmp_path / "again" / "a.png").is_file()
    with pytest.raises(RestoraeError, match=r"b\.png"):  # what is there is left, the rest is done
        restorae.restore(both, tmp_path / "again", model=fast, skip_existing=True)
    Image.fromarray(NOISY_8[::-1]).save(tmp_path / "b.png")
    before = (tmp_path / "again" / "a.png").stat().st_mtime_ns
    for _ in range(2):
        every = restorae.restore(both, tmp_path / "again", model=fast, skip_existing=True)
        assert every == [tmp_path / "again" / "a.png", tmp_path / "again" / "b.png"]
    assert (tmp_path / "again" / "a.png").stat().st_mtime_ns == before
    assert restorae.restore(both[0], model=fast, skip_existing=True) == one
    for wrong in ([both[0], NOISY_8], tmp_path / "none.png"):
        with pytest.raises(RestoraeError):
            restorae.restore(wrong, model=fast)
    with pytest.raises(SettingsConflict, match="out"):
        restorae.restore(NOISY_8, tmp_path / "c.png")
    with pytest.raises(SettingsConflict, match="skip_existing"):
        restorae.restore(NOISY_8, skip_existing=True)


def test_one_call_chooses_a_model_and_keeps_the_form():
    for given in (
        NOISY_8,
        Image.fromarray(NOISY_8),
        [NOISY_8],
        torch.from_numpy(CHANNELS_FIRST.copy()),
    ):
        restored = restorae.restore(given)
        assert type(restored) is type(given)
    assert restorae.restore([]) == []
    digits = np.zeros((5, 28, 28), np.float32)
    assert np.array_equal(
        restorae.restore(digits), restorae.load("digits-denoiser").restore(digits)
    )


def test_classical_methods_have_the_calls_of_models():
    nlm = restorae.load("classical:nlm(sigma=0.1)")
    grey = NOISY[..., 0]
    assert np.square(nlm(grey) - CLEAN).mean() < np.square(grey - CLEAN).mean() / 2
    assert nlm.to("cpu").device == torch.device("cpu")
    assert "nlm" in repr(nlm)
    assert "nlm" in nlm._repr_html_()
    with pytest.raises(RestoraeError, match="nlm"):
        restorae.load("classical:nml")
    with pytest.raises(SettingsConflict, match="mask"):
        restorae.load("classical:inpaint").restore(grey)
    for wrong in (None, 3, restorae.load("digits-vae")):
        with pytest.raises(RestoraeError):
            restorae.load(wrong)


def test_a_mask_alone_fills_what_it_marks():
    mask = np.zeros((32, 40), bool)
    mask[10:14] = True
    holed = np.where(mask, 0, CLEAN)
    filled = restorae.restore(holed, mask=mask)
    assert np.abs(filled - CLEAN).max() < 0.05


def test_repairing_defects_is_the_same_in_memory_as_in_a_file(tmp_path):
    """What a model is for is decided by one rule, whatever it is given, and whichever call is used."""
    Image.fromarray(NOISY_8).save(tmp_path / "a.png")
    prints = restorae.load("photo-restorer")
    for options in ({}, {"repair": "all", "tone": 0.5}, {"grain": 0.5, "strength": 0.7}):
        written = restorae.restore(
            tmp_path / "a.png",
            tmp_path / "b.png",
            model="photo-restorer",
            overwrite=True,
            **options,
        )
        in_memory = restorae.restore(NOISY_8, model="photo-restorer", **options)
        assert np.array_equal(np.asarray(Image.open(written)), in_memory), options
        if "grain" not in options:
            assert np.array_equal(prints.restore(NOISY_8, **options), in_memory), options
    batch = torch.from_numpy(NOISY.transpose(2, 0, 1).copy())[None]
    scored = ModelRestorer(prints).restore_images(batch)  # what evaluations and the page look at
    assert torch.equal(prints(batch), scored)
    assert not torch.equal(prints.restore_images(batch), scored)
    for wrong in ({"repair": "cracks"}, {"tone": 2}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            prints.restore(NOISY_8, **wrong)
    with pytest.raises(SettingsConflict, match="samples"):
        restorae.restore(NOISY_8, samples=3)


def test_keywords_for_type_checkers_are_those_of_the_call():
    fields, called = RestoreRequest.names(), inspect.signature(restorae.restore).parameters
    named = {name for name, each in called.items() if each.kind is each.KEYWORD_ONLY}
    types = get_type_hints(RestoreRequest)
    passed_on = get_type_hints(RequestKeywords)
    assert passed_on == {name: types[name] for name in fields if name not in named}
    assert get_type_hints(RestoreKeywords).keys() == named | passed_on.keys()


def test_each_image_of_a_batch_may_have_its_own_mask():
    masks = np.zeros((2, 32, 40), bool)
    masks[0, :16], masks[1, :, :20] = True, True
    images = np.stack([NOISY_8, NOISY_8[::-1]])
    for restore in (
        restorae.load("classical:median").restore,
        restorae.load("photo-denoiser-fast").restore,
    ):
        whole = restore(images)
        expected = np.where(masks[..., None], whole, images)
        assert np.array_equal(restore(images, mask=masks), expected)
