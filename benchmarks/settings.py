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
    vae_seeds: int = 1
    """Trainings of the variational auto-encoder to the lesson's last epoch."""
    keras_vae_seeds: int = 0
    """The same in Keras; left out because one takes some ten minutes."""
    likelihood_digits: int = 1_000
    """Test digits whose log-likelihood is estimated."""
    largest_megapixels: int = 1_000
    """The largest TIFF that is restored."""
    photos: int = 500
    """Photos in the folder that is restored end to end."""
    vae: str = "digits-vae"
    strong_vae: str = "digits-vae-strong"
    restorer_vae: str = "digits-restorer-vae"
    digits_denoiser: str = "digits-denoiser"
    denoiser: str = "photo-denoiser"
    """Models to score: bundled names, or files; one that is not there is left out."""
    start: str = ""
    """A model to go on from with eight pairs; by default the one that `restorae train` takes by itself."""
    sections: tuple[str, ...] = ()
    """Sections of the part `learning`; none means all."""
    minutes_scale: float = 1.0
    """What the minutes of every training in `learning` are multiplied by."""
    self_ensemble: tuple[int, ...] = (2, 8)
    """Rotations and flips to average over in the section `denoise`, each measured beside a single pass; none skips them."""
    fields: int = 3
    """Fields of W2S that are left out of training in turn."""
    data_dir: Path | None = None
    keras_python: Path | None = None
    """A Python that has Keras already; by default build/keras-venv is made."""
    peers_python: Path | None = None
    """A Python that has BM3D already; by default build/peers-venv is made."""

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
        return _full_batches(self.train_digits)

    @property
    def all_digits(self) -> int:
        """Digits that the variational auto-encoder is trained on: MNIST's training and test digits, as in the lesson."""
        return 2_048 if self.quick else 70_000

    @property
    def all_draws_like_keras(self) -> int:
        """As `draws_like_keras`, of all digits."""
        return _full_batches(self.all_digits)

    @property
    def vae_epochs(self) -> int:
        """Epochs after which the loss is read."""
        return 2 if self.quick else 30

    @property
    def manifold_side(self) -> int:
        """Digits along each side of the manifold."""
        return 5 if self.quick else 30

    @property
    def importance_samples(self) -> int:
        """Latents for each image whose log-likelihood is estimated."""
        return 50 if self.quick else 1_000

    @property
    def restored_digits(self) -> int:
        """Test digits that are restored several times over."""
        return 60 if self.quick else 1_000

    @property
    def restorations(self) -> int:
        """How often each of them is restored."""
        return 8 if self.quick else 64

    @property
    def reader_digits(self) -> int:
        """Training digits that the classifier learns to read from: all but the last 5,000."""
        return 4_096 if self.quick else 55_000

    @property
    def tiff_megapixels(self) -> list[int]:
        """Sizes of the TIFFs that are restored, the largest last."""
        return [
            *(size for size in (1, 4, 24, 100) if size < self.largest_megapixels),
            self.largest_megapixels,
        ]

    @property
    def peers_megapixels(self) -> list[float]:
        """Sizes of the images on which restorae is held against others."""
        return [0.01] if self.quick else [1, 4]

    @property
    def tiled_megapixels(self) -> float:
        """Size of the image that is restored in tiles and untiled."""
        return 1.5 if self.quick else 24

    @property
    def test_photos(self) -> int | None:
        """Photos of each test set that are restored; none means all."""
        return 2 if self.quick else None

    @property
    def noisy_photos(self) -> int | None:
        """Noisy photos that are learned from; none means all."""
        return 10 if self.quick else None

    @property
    def speed_megapixels(self) -> float:
        """Size of the image on which the denoiser is held against DnCNN."""
        return 0.01 if self.quick else 1

    @property
    def draws_of_a_user(self) -> int | None:
        """Examples in an epoch when nobody asks for a number: all that is not held out."""
        return 2_048 if self.quick else None


def _full_batches(count: int) -> int:
    """The count, rounded up to whole batches."""
    return -(-count // BATCH_SIZE) * BATCH_SIZE
