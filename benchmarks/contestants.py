"""The processes that are compared: the digits they share, their virtual environments, their commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from interleaved_timing import Contestant, ContestantFailed
from settings import DAMAGE, ROOT, Bench

from restorae.data import ArrayImages, load_named
from restorae.degradations import Degradation
from restorae.evaluating import TestSet

HERE = Path(__file__).resolve().parent
KERAS_VENV = ROOT / "build" / "keras-venv"
PEERS_VENV = ROOT / "build" / "peers-venv"


def prepare_digits(bench: Bench) -> Path:
    """A folder with MNIST's training digits, its test digits, these with the noise that both contestants are scored on, and all of them.

    Raises:
        DataUnavailable: MNIST is nowhere; the message says where it is looked for.
    """
    folder = bench.folder / "digits"
    folder.mkdir(parents=True, exist_ok=True)
    train, test = (
        load_named("mnist", split, bench.data_dir).images.stored[:, 0]
        for split in ("train", "test")
    )
    np.save(folder / "all.npy", np.concatenate([train, test])[: bench.all_digits])
    test = test[: bench.test_digits]
    test_set = TestSet(ArrayImages(test), degradation=Degradation.of(DAMAGE), seed=bench.seed)
    np.save(folder / "train.npy", train[: bench.train_digits])
    np.save(folder / "test.npy", test)
    np.save(
        folder / "test-noisy.npy",
        np.concatenate([degraded[:, 0].numpy() for degraded, _ in test_set.batches()]),
    )
    return folder


def keras_python(bench: Bench) -> Path:
    """The Python that has Keras: the one that was named, else that of build/keras-venv, made now if it is not there.

    Raises:
        ContestantFailed: it could not be installed; the message says why.
    """
    return _python_with("Keras and TensorFlow", "keras", KERAS_VENV, bench.keras_python)


def peers_python(bench: Bench) -> Path:
    """The Python that has BM3D: the one that was named, else that of build/peers-venv, made now if it is not there.

    Raises:
        ContestantFailed: it could not be installed; the message says why.
    """
    return _python_with("BM3D", "peers", PEERS_VENV, bench.peers_python)


def _python_with(what: str, name: str, venv: Path, named: Path | None) -> Path:
    if named is not None:
        return named.absolute()
    requirements = HERE / f"{name}-requirements.txt"
    python, ready, wanted = venv / "bin" / "python", venv / ".ready", requirements.read_text()
    if ready.is_file() and ready.read_text() == wanted:
        return python
    print(f"Installing {what} into {venv.relative_to(ROOT)}, once.", flush=True)
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
        str(requirements),
    ]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run(install, check=True)
    except (subprocess.CalledProcessError, OSError) as error:
        raise ContestantFailed(
            f"{what} could not be installed into {venv} ({error}); pip's messages are above. There are no packages of it for some "
            f"Pythons: make one with another Python yourself and name it with --{name}-python."
        ) from None
    ready.write_text(wanted)
    return python


def start_keras(bench: Bench, digits: Path) -> Contestant:
    """The Keras side."""
    command = [
        str(keras_python(bench)),
        str(HERE / "keras_lesson.py"),
        "--data",
        str(digits),
        "--threads",
        str(bench.threads),
    ]
    return Contestant(
        "keras",
        command,
        {"CUDA_VISIBLE_DEVICES": "-1", "PYTHONDONTWRITEBYTECODE": "1"},
        bench.folder / "logs" / "keras.txt",
    )


def start_restorae(bench: Bench, digits: Path, name: str) -> Contestant:
    """A process of restorae; each training that is held needs one."""
    command = [sys.executable, str(HERE / "restorae_worker.py"), "--data", str(digits)]
    return Contestant(name, command, threads_of(bench), _log(bench, name))


def start_bm3d(bench: Bench, sigma: float) -> Contestant:
    """BM3D, told the noise."""
    command = [
        str(peers_python(bench)),
        str(HERE / "peers_worker.py"),
        "--threads",
        str(bench.threads),
        "--sigma",
        str(sigma),
    ]
    return Contestant(
        "bm3d", command, {**threads_of(bench), "PYTHONDONTWRITEBYTECODE": "1"}, _log(bench, "bm3d")
    )


def start_whole(
    bench: Bench,
    name: str,
    way: str,
    model: Path | None = None,
    precision: str = "auto",
    *,
    channels: int = 1,
) -> Contestant:
    """A process that restores whole images in one way; of what brings no model, for images of so many channels."""
    command = [
        sys.executable,
        str(HERE / "whole_worker.py"),
        "--way",
        way,
        "--precision",
        precision,
        "--channels",
        str(channels),
    ]
    return Contestant(
        name,
        command + (["--model", str(model.absolute())] if model else []),
        threads_of(bench),
        _log(bench, name),
    )


def open_image(contestants: Mapping[str, Contestant], image: Path) -> None:
    """Every side takes the same image in hand."""
    for side in contestants.values():
        side.ask("open", image=str(image.absolute()))


def threads_of(bench: Bench) -> dict[str, str]:
    """The environment that holds a process to its threads."""
    return {"OMP_NUM_THREADS": str(bench.threads)}


def _log(bench: Bench, name: str) -> Path:
    return bench.folder / "logs" / f"{name.replace(' ', '-')}.txt"


def recipe_settings(bench: Bench, network: str, seed: int, draws: int | None) -> dict[str, object]:
    """What a restorae worker is told to begin with, besides how long."""
    data_dir = str(bench.data_dir.absolute()) if bench.data_dir else None
    return {"network": network, "seed": seed, "draws": draws, "data_dir": data_dir}


def vae_settings(bench: Bench, seed: int, draws: int | None) -> dict[str, object]:
    """The same for the lesson's variational auto-encoder, as `restorae vae train --split all` has it."""
    return {
        **recipe_settings(bench, "conv-vae(latent_dim=2)", seed, draws),
        "degradation": None,
        "split": "all",
        "validation": 0,
    }
