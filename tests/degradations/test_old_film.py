"""Old film: the processes have the statistics that were drawn, and a film does not depend on how it is damaged piece by piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restorae.degradations.old_film import FilmDamager, OldFilm, Window, damage_clip
from restorae.degradations.old_film.clips import DamagedClip
from restorae.degradations.old_film.parameters import FilmParameters
from restorae.degradations.old_film.render import render
from restorae.degradations.old_film.timeline import Timeline
from restorae.randomness import generator

NEW = OldFilm(age=0).draw_film(0.0, 0)
"""A film on which there is no damage."""
WINDOW = Window(96, 128)


def _sources(count: int) -> list[np.random.Generator]:
    return [np.random.Generator(np.random.Philox(number)) for number in range(count)]


def _moments(film: FilmParameters, count: int, width: float = 4 / 3):
    timeline = Timeline.of(film, 7, width)
    return [timeline.next_moment() for _ in range(count)]


def _only(frames: torch.Tensor, window: Window = WINDOW, **parameters: float):
    film = NEW.model_copy(update=parameters)
    count = len(frames)
    return render(frames, [film] * count, _moments(film, count), _sources(count), window)


def test_a_new_film_is_unchanged() -> None:
    clean = torch.rand(3, 3, 40, 50)
    rendered = _only(clean, Window(40, 50))
    torch.testing.assert_close(rendered.frames, clean, atol=2e-4, rtol=0)
    assert not rendered.defects.any()


def test_a_film_is_the_same_in_one_go_and_frame_by_frame() -> None:
    clean = torch.rand(6, 1, 48, 64)
    whole = FilmDamager(OldFilm(age=0.9), 5, window=Window(48, 64)).damage(clean)
    damager = FilmDamager(OldFilm(age=0.9), 5, window=Window(48, 64))
    first = damager.damage(clean[:2]).frames
    damager.next_moments(1)
    rest = damager.damage(clean[3:]).frames
    torch.testing.assert_close(first, whole.frames[:2])
    torch.testing.assert_close(rest, whole.frames[3:])


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_said_of_a_clip_explains_it(channels: int) -> None:
    """Where there is no mark, a clip without grain and compression is its toned clean version."""
    clean = torch.rand(4, channels, 80, 100) * 0.5 + 0.25
    film = OldFilm(age=1.0).draw_film(1.0, 11)
    film = film.model_copy(update={"grain": 0.0, "blur": 0.0, "quality": 0.0})
    moments = _moments(film, 4, 1.25)
    rendered = render(clean, [film] * 4, moments, _sources(4), Window(80, 100))
    spotless = (rendered.defects == 0).expand_as(clean)
    assert 0.5 < spotless.float().mean() < 1
    torch.testing.assert_close(
        rendered.frames[spotless], rendered.toned[spotless], atol=1e-5, rtol=0
    )
    assert (rendered.scratches <= rendered.defects).all()


def test_grain_has_the_strength_and_correlation_of_its_kernel() -> None:
    size = 0.7
    grey = torch.full((4, 1, 240, 320), 0.5)
    window = Window(480, 640)  # a patch of a frame of 480 lines
    fine = _only(grey, window, grain=0.04, grain_size=size, grain_coarse=0.0).frames - grey
    assert fine.std().item() == pytest.approx(0.04, rel=0.03)
    beside = (fine[..., 1:] * fine[..., :-1]).mean() / fine.var()
    # two samples of white noise through a Gaussian kernel
    assert beside.item() == pytest.approx(np.exp(-1 / (4 * size**2)), abs=0.04)
    lights = torch.full((4, 1, 240, 320), 0.95)
    bright = _only(lights, window, grain=0.02, grain_lights=0.5, grain_coarse=0.5).frames - lights
    expected = 0.02 * (1.0 / 0.55) ** NEW.grain_shadows * (0.1 / 0.55) ** 0.5
    assert bright.std().item() == pytest.approx(expected, rel=0.04)


def test_flicker_has_its_spread_and_correlation_in_time() -> None:
    film = NEW.model_copy(update={"flicker": 0.05, "flicker_correlation": 0.6})
    logs = np.log([moment.gain for moment in _moments(film, 6000)])
    assert logs.std() == pytest.approx(0.05, rel=0.1)
    assert np.corrcoef(logs[1:], logs[:-1])[0, 1] == pytest.approx(0.6, abs=0.05)


def test_frames_move_by_their_shift() -> None:
    """Against the shift theorem of the Fourier transform, on an image without an edge."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    wave = (0.5 + 0.2 * torch.cos(x * 0.3 + 1) + 0.2 * torch.sin(y * 0.25))[None, None]
    film = NEW.model_copy(update={"weave": 0.03})
    (moment,) = _moments(film, 1)
    moved = _only(wave, Window(64, 64), weave=0.03).frames
    down, right = (64 * part for part in moment.shift)
    expected = 0.5 + 0.2 * torch.cos((x - right) * 0.3 + 1) + 0.2 * torch.sin((y - down) * 0.25)
    inner = slice(12, -12)
    torch.testing.assert_close(moved[0, 0, inner, inner], expected[inner, inner], atol=3e-3, rtol=0)
    assert abs(down) + abs(right) > 0.3


def test_a_scratch_stands_and_dust_does_not() -> None:
    grey = torch.full((5, 1, 240, 320), 0.5)
    window = Window(240, 320)
    damage = {"scratches": 3.0, "scratch_strength": 0.5, "scratch_wander": 0.0}
    lines = _only(grey, window, **damage, scratch_life=1e6).scratches.amax(-2)  # over the rows
    standing = (lines[1:] * lines[:-1]).sum() / lines[1:].square().sum()
    assert standing > 0.6
    specks = _only(grey, window, dust=60.0, dust_size=0.01).defects
    returning = (specks[1:] * specks[:-1]).sum() / specks[1:].square().sum()
    assert specks.any()
    assert returning < 0.1


def test_a_patch_has_as_much_dust_as_its_share_of_the_frame() -> None:
    film = {"dust": 40.0, "dust_size": 0.008, "dirt": 0.0}
    whole = _only(torch.full((24, 1, 240, 240), 0.5), Window(240, 240), **film).defects.mean()
    patches = _only(
        torch.full((96, 1, 60, 60), 0.5), Window(240, 240, top=90, left=90), **film
    ).defects
    assert patches.mean().item() == pytest.approx(whole.item(), rel=0.3)


def test_an_option_leaves_a_part_out_and_the_rest_as_it_is() -> None:
    clean = torch.rand(3, 1, 48, 64)

    def damaged(**off: bool) -> DamagedClip:
        return damage_clip(clean, OldFilm(age=0.7, **off), generator=generator(3))

    still = damaged(weave=False)
    assert not still.shift.any()
    assert damaged().shift.any()
    assert still.film.grain == damaged().film.grain
    torch.testing.assert_close(still.defects, damaged().defects)
    steady = damaged(weave=False, flicker=False, fading=False)
    torch.testing.assert_close(steady.toned, clean, atol=1e-3, rtol=0)


def test_a_film_that_is_grey_has_no_colour() -> None:
    clean = torch.rand(2, 3, 32, 32)
    damaged = damage_clip(clean, OldFilm(age=0.1, grey=True, weave=False), generator=generator(0))
    assert torch.equal(damaged.clean[:, 0], damaged.clean[:, 2])
