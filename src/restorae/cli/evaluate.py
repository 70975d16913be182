"""`restorae evaluate`: score a model on images whose clean version is known."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorae.cli.choices import Precision, Split, use_precision
from restorae.cli.options import (
    DataDir,
    Device,
    Import,
    Json,
    ModelName,
    Overwrite,
    Seed,
    SelfEnsemble,
    With,
    import_files,
    ready_for,
    warn_of_self_ensemble,
)
from restorae.cli.sources import check_damage, test_set_from
from restorae.display import counted
from restorae.errors import Fix, SettingsConflict

if TYPE_CHECKING:
    from restorae.evaluating import CoverageTally, TestSet
    from restorae.restoring import Restorer
    from restorae.restoring.classical import Classical

_SHOWN = 20
_WORST = 5


def evaluate(
    model: ModelName,
    clean: Annotated[
        str,
        typer.Option(
            metavar="DATA", help="Clean images: a data set's name, a folder, .npy, .npz or idx."
        ),
    ],
    spec: With = None,
    degraded: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Degraded partners of the clean images, same names."),
    ] = None,
    split: Split = "test",
    seed: Seed = 0,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines",
            help="Also score all classical methods that need no mask, on the same images.",
        ),
    ] = False,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            help='Also score one classical method, such as "nlm(sigma=0.1)"; can be given several times.',
        ),
    ] = None,
    fit_gain: Annotated[
        bool,
        typer.Option(
            "--fit-gain",
            help="Also score with gain and offset fitted to each image, for clean images of another exposure.",
        ),
    ] = False,
    per_image: Annotated[
        bool,
        typer.Option("--per-image", help="Also print each image's scores, the worst first."),
    ] = False,
    scores_file: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="FILE.csv",
            help="Write the scores of all images to this file.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Draw crops of the worst images around their largest error, at full resolution.",
        ),
    ] = None,
    worst: Annotated[
        int | None,
        typer.Option(min=1, max=50, help=f"Number of images on the sheet ({_WORST})."),
    ] = None,
    self_ensemble: SelfEnsemble = 1,
    overwrite: Overwrite = False,
    json_wanted: Json = False,
    device: Device = "auto",
    precision: Precision = "auto",
    data_dir: DataDir = None,
    imports: Import = None,
) -> None:
    """Score a model: PSNR, SSIM, MSE and RMSE of the degraded and the restored images."""
    from restorae.cli.console import say, show, show_json, table, terminal_progress
    from restorae.evaluating import evaluate as score
    from restorae.evaluating.baselines import evaluate_baselines
    from restorae.evaluating.tables import as_plain, images_csv, images_table, means_table
    from restorae.files import write_text
    from restorae.restoring import RestoreRequest, open_restorer

    import_files(imports)
    check_damage(spec, degraded)
    if worst is not None and sheet is None:
        raise SettingsConflict(
            "{} needs {}", settings=("worst", "sheet"), fix=Fix("sheet", "FILE.png")
        )
    use_precision(precision)
    methods = _methods(baselines, baseline or [])
    for setting, target, suffix in (("table", scores_file, ".csv"), ("sheet", sheet, ".png")):
        if target is not None:
            ready_for(target, (suffix,), overwrite, setting)
    restorer = open_restorer(model, device=device)
    RestoreRequest(self_ensemble=self_ensemble).check(restorer.capabilities)  # type: ignore[arg-type]  # the request checks it
    warn_of_self_ensemble(restorer, self_ensemble)
    restore_images = functools.partial(restorer.restore_images, self_ensemble=self_ensemble)
    progress = terminal_progress()
    test_set = test_set_from(clean, degraded, spec, split, seed, data_dir, progress)
    coverage = _coverage_of(restorer, test_set)
    found = score(
        restore_images,
        test_set,
        progress,
        fit_gain=fit_gain,
        also=coverage.add if coverage else None,
    )
    others = evaluate_baselines(methods, test_set, progress, fit_gain=fit_gain)
    if scores_file is not None:
        write_text(scores_file, images_csv(found, others))
        say(f"{scores_file}: scores of {counted(found.count, 'image')}.")
    if sheet is not None:
        from restorae.evaluating.worst import TITLES, worst_images
        from restorae.figures import full_size_sheet, write_figure

        shown = worst_images(restore_images, test_set, found, worst or _WORST)
        write_figure(full_size_sheet(shown, TITLES), sheet)
        say(
            f"{sheet}: the worst {len(shown)} of {counted(found.count, 'image')}, each around its largest error."
        )
    if json_wanted:
        request = {
            "model": model,
            "clean": clean,
            "with": spec,
            "degraded_data": degraded,
            "split": split,
            "seed": seed,
            "self_ensemble": self_ensemble,
        }
        covered = {"error_bound": coverage.coverage().model_dump()} if coverage else {}
        show_json({**request, **as_plain(found, others, per_image), **covered})
        return
    table(
        f"{model} on {counted(found.count, 'image')} of {clean}, {found.seconds:.1f} s",
        *means_table(found, others),
    )
    if coverage:
        show(f"error bound: {coverage.coverage()}")
    if per_image:
        show("")
        table("The images, the worst first", *images_table(found, others, _SHOWN))
        if found.count > _SHOWN:
            say(
                f"{found.count - _SHOWN:,} better ones are not shown; --table FILE.csv or --json lists all."
            )


def _coverage_of(restorer: Restorer, test_set: TestSet) -> CoverageTally | None:
    """Counts how often the restorer's error bound holds, if it was calibrated on images of that kind."""
    from restorae.evaluating import CoverageTally

    bound = restorer.error_bound_for(test_set.clean.channels)
    return None if bound is None else CoverageTally(bound)


def _methods(every: bool, named: list[str]) -> list[Classical]:
    """The requested classical methods, each once; those with settings of their own last."""
    if not (every or named):
        return []
    from restorae.evaluating.baselines import all_baselines, check_baseline
    from restorae.restoring import PREFIX, Classical

    chosen = [
        *(all_baselines() if every else ()),
        *(check_baseline(Classical.of(text.removeprefix(PREFIX))) for text in named),
    ]
    return list({str(method): method for method in chosen}.values())
