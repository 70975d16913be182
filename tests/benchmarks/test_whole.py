"""The part `whole` of the benchmark: its subjects, its watch, its sides and its section; nothing here needs BM3D or a quiet machine."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from restorae import load
from restorae.networks import UNet

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import contestants  # noqa: E402
import dncnn  # noqa: E402
import interleaved_timing  # noqa: E402
import memory_watch  # noqa: E402
import run  # noqa: E402
import settings  # noqa: E402
import test_images  # noqa: E402
import whole  # noqa: E402
import whole_worker  # noqa: E402

MIB = 2**20


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A bench whose results go to a folder of the test."""
    monkeypatch.setattr(settings.Bench, "folder", tmp_path / "results")
    return settings.Bench(quick=True, threads=1, rounds=1, largest_megapixels=1, photos=2)


# subjects


def test_dncnn_is_what_its_description_says():
    """Against the sum over its layers: a first, fifteen in the middle, a last, each with a bias."""
    network = dncnn.DnCNN()
    by_hand = (9 + 1) * 64 + 15 * (9 * 64 + 1) * 64 + (9 * 64 + 1)
    assert sum(weights.numel() for weights in network.parameters()) == by_hand == dncnn.PARAMETERS
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in network.modules()) == dncnn.LAYERS
    assert network(torch.zeros(1, 1, 9, 7)).shape == (1, 1, 9, 7)


@pytest.mark.parametrize(("megapixels", "side"), [(0.01, 100), (0.09, 300)])
def test_a_tiff_that_is_made_tile_by_tile_reads_back(tmp_path, megapixels, side):
    path = test_images.save_tiff(tmp_path / "scan.tif", megapixels, seed=0)
    page = test_images.photo(2048, 2048, np.random.default_rng(0))
    np.testing.assert_array_equal(tifffile.imread(path), page[:side, :side])
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].is_tiled
        assert tiff.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE


def test_photos_are_of_two_megapixels_and_follow_from_the_seed(tmp_path):
    (tmp_path / "9999.jpg").touch()
    paths = test_images.save_photos(tmp_path, 2, seed=0)
    assert sorted(tmp_path.iterdir()) == paths
    with Image.open(paths[0]) as image:
        assert image.format == "JPEG"
        assert image.width * image.height == pytest.approx(2e6, rel=0.01)
    contents = [path.read_bytes() for path in paths]
    assert contents[0] != contents[1]
    assert [path.read_bytes() for path in test_images.save_photos(tmp_path, 2, seed=0)] == contents


def test_a_square_has_at_least_so_many_pixels_and_the_largest_is_allowed_to_be_read():
    from restorae.formats import MOST_PIXELS

    for megapixels in settings.Bench().tiff_megapixels:
        side = test_images.side_of(megapixels)
        assert (side - 1) ** 2 < 1e6 * megapixels <= side**2 <= MOST_PIXELS


@pytest.mark.parametrize("channels", [1, 3])
def test_the_model_is_the_default_network_as_training_on_patches_makes_it(tmp_path, channels):
    network = load(test_images.save_model(tmp_path / "unet.safetensors", channels, seed=0)).network
    assert network == UNet(channels=channels, padding="replicate")


def test_sizes_end_with_the_largest():
    assert settings.Bench().tiff_megapixels == [1, 4, 24, 100, 1000]
    assert settings.Bench(largest_megapixels=24).tiff_megapixels == [1, 4, 24]
    assert settings.Bench(largest_megapixels=1).tiff_megapixels == [1]


# the watch


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux only")
def test_a_command_s_own_memory_is_seen_and_the_files_it_maps_are_not(tmp_path):
    """128 MiB of its own at one moment, and a file of 128 MiB that is mapped and read at another."""
    large = tmp_path / "large"
    with large.open("wb") as handle:
        handle.truncate(128 * MIB)
    own = "import time; own = bytearray(b'1') * (128 << 20); time.sleep(0.3)"
    mapped = f"import mmap, time; f = open({str(large)!r}, 'rb'); m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); m.find(b'x')"
    nothing = "import time; time.sleep(0.3)"
    peaks = [
        memory_watch.watch([sys.executable, "-c", script], {}, tmp_path / "log.txt")
        for script in (own, mapped + "; time.sleep(0.3)", nothing)
    ]
    assert all(peak.seconds > 0.3 for peak in peaks)
    assert (
        127 * MIB < peaks[0].anonymous - peaks[2].anonymous < 140 * MIB
    )  # a start of Python differs by some pages from the next
    assert abs(peaks[1].anonymous - peaks[2].anonymous) < 16 * MIB
    assert peaks[1].resident > 128 * MIB > mmap.PAGESIZE


def test_a_command_that_fails_says_why(tmp_path):
    with pytest.raises(interleaved_timing.ContestantFailed, match=r"(?s)status 1.*out of luck"):
        memory_watch.watch(
            [sys.executable, "-c", "import sys; sys.exit('out of luck')"], {}, tmp_path / "log.txt"
        )


def test_a_process_that_has_ended_has_no_memory():
    assert memory_watch.memory_of(2**22 + 1) == {}


# the sides


@pytest.mark.slow
def test_every_way_to_restore_answers_and_they_agree(tmp_path, bench):
    """The loop writes what the network makes of a photo, read and saved by Pillow here; a way without an answer fails."""
    model = test_images.save_model(tmp_path / "unet.safetensors", 3, seed=0)
    image = test_images.save_array(tmp_path / "grey.npy", 0.002, 1, seed=0)
    assert np.load(image).shape == (45, 45)
    for way in ("dncnn", "nlm"):
        with contestants.start_whole(bench, way, way) as side:
            assert side.ask("open", image=str(image))["shape"] == [1, 1, 45, 45]
            assert side.ask("restore")["seconds"] > 0
    photo = tmp_path / "photo.jpg"
    Image.fromarray(test_images.photo(40, 56, np.random.default_rng(0))).save(photo)
    with contestants.start_whole(bench, "untiled", "untiled", model) as side:
        assert side.ask("photos", files=[str(photo)])["seconds"] > 0
        assert side.ask("loop", files=[str(photo)], out=str(tmp_path / "out"))["seconds"] > 0
    expected = tmp_path / "expected.jpg"
    Image.fromarray(load(model).restore(np.asarray(Image.open(photo)))).save(expected, quality=95)
    assert (tmp_path / "out" / "photo.jpg").read_bytes() == expected.read_bytes()


def test_an_image_that_does_not_fit_in_memory_is_halved(bench, monkeypatch):
    class Small:
        """A side with memory for half a megapixel."""

        def __init__(self, name):
            self.name = name

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def ask(self, do, image=None):
            if do == "open":
                self.pixels = np.load(image).shape[0] ** 2
            elif self.name == "untiled" and self.pixels > 0.6e6:
                raise interleaved_timing.ContestantFailed(
                    "untiled: too large", whole_worker.OUT_OF_MEMORY
                )
            return {"seconds": 1.0}

    said = []
    monkeypatch.setattr(whole, "start_whole", lambda bench, name, way, model: Small(name))
    monkeypatch.setattr(settings.Bench, "tiled_megapixels", 2.0)
    found = whole._tiled(bench, Path("model"), said.append)
    assert (found["wanted"], found["megapixels"]) == (2.0, 0.5)
    assert found["laps"] == [{"untiled": {"seconds": 1.0}, "tiled": {"seconds": 1.0}}]
    assert said[0].startswith("2 megapixels: not in this machine's memory")


@pytest.mark.slow
def test_the_command_restores_a_tiff_and_a_folder_and_leaves_nothing_behind(tmp_path, bench):
    said = []
    model = test_images.save_model(tmp_path / "unet.safetensors", 3, seed=0)
    tiff = whole._tiff(bench, model, 1, said.append)
    assert len(tiff["runs"]) == 1
    assert tiff["bytes"] > 0
    photos = whole._photos(bench, model, said.append)
    assert photos["count"] == 2
    assert photos["pixels"] == 1224 * 1632
    assert all(
        seconds > 0 for seconds in (*photos["seconds"].values(), photos["command"]["seconds"])
    )
    assert list((bench.folder / "whole").rglob("*.*")) == []


# the section


def measured():
    """A made-up record of the part `whole`, as JSON gives it back."""

    def lap(**seconds):
        return {name: {"seconds": taken} for name, taken in seconds.items()}

    def a_run(seconds, gib):
        return {
            "seconds": seconds,
            "anonymous": int(gib * 2**30),
            "resident": int((gib + 0.25) * 2**30),
        }

    def peers(dncnn):
        return lap(dncnn=dncnn, auto=0.2, float32=0.4, nlm=8.0)

    bm3d = lap(bm3d=20.0)
    tiled = [lap(untiled=4.0, tiled=4.2), lap(untiled=8.0, tiled=8.0), lap(untiled=5.0, tiled=5.1)]
    return {
        "idle": 0.004,
        "peers": [
            {"megapixels": 1.0, "laps": [peers(4.0)], "once": bm3d},
            {"megapixels": 4.0, "laps": [peers(4.0), peers(5.0)], "once": bm3d},
        ],
        "tiled": {"wanted": 24, "megapixels": 24, "laps": tiled},
        "tiffs": [
            {"megapixels": 1, "bytes": 2 * MIB, "runs": [a_run(2.0, 0.5), a_run(4.0, 0.5), a_run(2.5, 0.5)]},
            {"megapixels": 1000, "bytes": 2048 * MIB, "runs": [a_run(400.0, 0.75)]},
        ],
        "photos": {"count": 500, "pixels": 1_997_568, "seconds": {"network": 200.0, "loop": 300.0}, "command": a_run(220.0, 0.5)},
    }  # fmt: skip


def record(found):
    return {"machine": {"precision": "bfloat16"}, "measured": found}


def test_each_figure_stands_beside_its_target():
    text = whole.report(record(measured()))
    assert "| a TIFF of 1,000 megapixels: most memory, GiB | 0.75 | 2, goal 1 |" in text
    assert (
        "| 4 megapixels: `unet`'s time over DnCNN's | 0.045 (0.040–0.050) | 0.12, goal 0.03 |"
        in text
    )
    assert (
        "| 24 megapixels: time in tiles over time untiled | 1.020 (1.000–1.050) | 1.15, goal 1.03 |"
        in text
    )
    assert (
        "| 500 photos: time of the command over the network's alone | 1.10 | 1.3, goal 1.1 |"
        in text
    )


def test_throughput_and_seconds_per_megapixel_are_those_of_the_textbook():
    text = whole.report(record(measured()))
    assert (
        "| 1 megapixel, a file of 2 MiB | 2.5 (2.0–4.0) | 0.40 (0.25–0.50) | 0.50 | 0.75 | 3 |"
        in text
    )
    assert "| 1,000 megapixels, a file of 2,048 MiB | 400.0 | 2.50 | 0.75 | 1.00 | 1 |" in text
    assert "| restorae, `unet`, float32 | 0.400 | 0.100 | 0.100 | 0.090 (0.080–0.100) |" in text
    assert "| restorae, `unet`, bfloat16 (`auto`) | 0.200 | 0.050 |" in text
    assert "| BM3D, `bm3d` from PyPI | 20.000 | 5.000 | 5.000 | 4.500 (4.000–5.000) |" in text
    assert "| `restorae restore FOLDER` | 220.0 | 0.440 | 1.10 |" in text
    assert "0.4 % of a core" in text
    assert "non-commercial" in text


def test_the_section_says_when_an_image_did_not_fit():
    found = measured()
    assert "did not fit" not in whole.report(record(found))
    found["tiled"]["megapixels"] = 12
    text = whole.report(record(found))
    assert "| a colour image of 12 megapixels |" in text
    assert "24 megapixels did not fit in this machine's memory untiled." in text


def test_without_bfloat16_there_is_one_row_for_restorae():
    found = measured()
    for size in found["peers"]:
        for lap in size["laps"]:
            del lap["float32"]
    assert whole.report(record(found)).count("| restorae, `unet`") == 1


# the command


def test_the_command_in_the_page_says_how_large_and_how_many():
    options = run._read_options(
        ["whole", "--largest-megapixels", "100", "--photos", "20", "--peers-python", "/some/python"]
    )
    assert (
        run._command("whole", options)
        == "python benchmarks/run.py whole --largest-megapixels 100 --photos 20"
    )
    assert run._bench(run._read_options(["--quick"])).tiff_megapixels == [1]
    assert run._bench(run._read_options(["--quick"])).photos == 4


@pytest.mark.parametrize("arguments", [["--largest-megapixels", "0"], ["--photos", "1"]])
def test_too_small_a_measurement_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refusal:
        run.main(["whole", *arguments])
    assert refusal.value.code == 2
    assert " ".join(arguments) in capsys.readouterr().err
