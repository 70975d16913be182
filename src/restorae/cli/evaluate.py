"""`restorae evaluate`: score a model on pictures whose clean version is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.options import DataDir, Device, Import, Json, ModelName, Seed, With, import_files
from restorae.cli.sources import check_split
from restorae.errors import UsageError

if TYPE_CHECKING:
    from restorae.restoring.classical import Classical


def evaluate(
    model: ModelName,
    clean: Annotated[str, typer.Option(metavar="DATA", help="Clean pictures: a data set's name, a folder, .npy, .npz or idx.")],
    spec: With = None,
    degraded: Annotated[str | None, typer.Option(metavar="DATA", help="Degraded partners of the clean pictures, same names.")] = None,
    split: Annotated[str, typer.Option(help="Which part of a named data set: train, test or all.")] = "test",
    seed: Seed = 0,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Score the classical methods too, on the same pictures: all that need no mask.")
    ] = False,
    baseline: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help='Score one classical method too, such as "nlm(sigma=0.1)"; can be given several times.'),
    ] = None,
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
    from restorae.evaluating.baselines import evaluate_baselines
    from restorae.restoring import restorer_named

    import_files(imports)
    if (spec is None) == (degraded is None):
        raise UsageError("Say what the pictures are restored from: either --with SPEC (damage drawn from --seed) or --degraded DATA.")
    part = check_split(split)
    methods = _methods(baselines, baseline or [])
    restorer = restorer_named(model, device)
    progress = terminal_progress()
    pictures = open_pictures(clean, part, data_dir, progress)
    if degraded is not None:
        pairs, lonely = match(open_pictures(degraded, part, data_dir, progress), pictures)
        if lonely:
            say(f"Left out, without a partner: {', '.join(lonely[:5])}{' …' if len(lonely) > 5 else ''}")
        exam = Exam(pairs.clean, degraded=pairs.degraded)
    else:
        exam = Exam(pictures, degradation=Degradation.of(spec), seed=seed)
    found = score(restorer.restore_images, exam, progress)
    others = evaluate_baselines(methods, exam, progress)
    if json_wanted:
        told = {"model": model, "clean": clean, "with": spec, "degraded_data": degraded, "split": split, "seed": seed, **found.model_dump()}
        if others:
            told["baselines"] = {
                name: {
                    "restored": other.restored.model_dump(),
                    "seconds": other.seconds,
                    "seconds_per_picture": other.seconds / other.count,
                }
                for name, other in others.items()
            }
        show_json(told)
        return
    columns = [found.degraded, found.restored, *(other.restored for other in others.values())]
    rows = [(name, *(_number(getattr(scores, name)) for scores in columns)) for name in ("psnr", "psnr_pooled", "ssim", "mse", "rmse")]
    if others:
        rows.append(("s per picture", "–", *(_number(each.seconds / each.count) for each in (found, *others.values()))))
    table(f"{model} on {found.count:,} pictures of {clean}, {found.seconds:.1f} s", ("score", "degraded", "restored", *others), rows)


def _methods(every: bool, named: list[str]) -> list[Classical]:
    """The classical methods that were asked for, each once; those with settings of their own behind the others."""
    if not (every or named):
        return []
    from restorae.evaluating.baselines import all_baselines, check_baseline
    from restorae.restoring import PREFIX, Classical

    chosen = [*(all_baselines() if every else ()), *(check_baseline(Classical.of(text.removeprefix(PREFIX))) for text in named)]
    return list({str(method): method for method in chosen}.values())


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
