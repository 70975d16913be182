"""`restorae evaluate`: score a model on pictures whose clean version is known."""

from __future__ import annotations

from typing import Annotated

import typer

from restorae.cli.options import DataDir, Device, Import, Json, ModelName, Seed, With, import_files
from restorae.errors import UsageError


def evaluate(
    model: ModelName,
    clean: Annotated[str, typer.Option(metavar="DATA", help="Clean pictures: a data set's name, a folder, .npy, .npz or idx.")],
    spec: With = None,
    degraded: Annotated[str | None, typer.Option(metavar="DATA", help="Degraded partners of the clean pictures, same names.")] = None,
    split: Annotated[str, typer.Option(help="Which part of a named data set: train, test or all.")] = "test",
    seed: Seed = 0,
    json_wanted: Json = False,
    device: Device = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Score a model: PSNR, SSIM, MSE and RMSE of the degraded and of the restored pictures."""
    from restorae.cli.console import say, show_json, table, terminal_progress
    from restorae.data import match, open_pictures
    from restorae.degradations import Degradation
    from restorae.evaluating import Exam
    from restorae.evaluating import evaluate as score
    from restorae.model import load

    import_files(imports)
    if (spec is None) == (degraded is None):
        raise UsageError("Say what the pictures are restored from: either --with SPEC (damage drawn from --seed) or --degraded DATA.")
    if split not in ("train", "test", "all"):
        raise UsageError(f"There is no split {split!r}. Choose train, test or all.")
    restorer = load(model).to(device)
    progress = terminal_progress()
    pictures = open_pictures(clean, split, data_dir, progress)  # type: ignore[arg-type]
    if degraded is not None:
        pairs, lonely = match(open_pictures(degraded, split, data_dir, progress), pictures)  # type: ignore[arg-type]
        if lonely:
            say(f"Left out, without a partner: {', '.join(lonely[:5])}{' …' if len(lonely) > 5 else ''}")
        exam = Exam(pairs.clean, degraded=pairs.degraded)
    else:
        exam = Exam(pictures, degradation=Degradation.of(spec), seed=seed)
    found = score(restorer.restore_images, exam, progress)
    if json_wanted:
        show_json(
            {"model": model, "clean": clean, "with": spec, "degraded_data": degraded, "split": split, "seed": seed, **found.model_dump()}
        )
        return
    rows = [
        (name, _number(getattr(found.degraded, name)), _number(getattr(found.restored, name)))
        for name in ("psnr", "psnr_pooled", "ssim", "mse", "rmse")
    ]
    table(f"{model} on {found.count:,} pictures of {clean}, {found.seconds:.1f} s", ("score", "degraded", "restored"), rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
