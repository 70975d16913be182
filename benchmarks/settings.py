"""What one run of the benchmark is to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DAMAGE = "gaussian-noise(mean=0.5,sigma=0.3)"
EPOCHS = 3
BATCH_SIZE = 128


@dataclass(frozen=True)
class Bench:
    """The run's settings; a quick one only shows that everything works."""

    quick: bool = False
    seed: int = 0
    threads: int = 2
    rounds: int = 5
    """Timed epochs of each side."""
    keras_seeds: int = 3
    """Trainings of Keras per output, for quality."""
    conv_seeds: int = 10
    unet_seeds: int = 1
    data_dir: Path | None = None
    keras_python: Path | None = None
    """A Python that has Keras already; by default build/keras-venv is made."""

    @property
    def folder(self) -> Path:
        """Where raw results, logs and the digits for the Keras side go."""
        return ROOT / "build" / "benchmarks" / ("quick" if self.quick else "")

    @property
    def train_digits(self) -> int:
        """Digits that the Keras side trains on."""
        return 2_048 if self.quick else 60_000

    @property
    def test_digits(self) -> int:
        """Test digits that are restored and scored."""
        return 1_000 if self.quick else 10_000

    @property
    def draws_like_keras(self) -> int:
        """Examples in an epoch of restorae that make as many steps as Keras makes: the last batch is full, Keras's is not."""
        return -(-self.train_digits // BATCH_SIZE) * BATCH_SIZE

    @property
    def draws_of_a_user(self) -> int | None:
        """Examples in an epoch when nobody asks for a number: all that is not held out."""
        return 2_048 if self.quick else None
