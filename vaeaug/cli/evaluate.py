"""`vaeaug evaluate REAL SYNTHETIC`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaeaug.cli.common import (
    config_option,
    given_options,
    output_options,
    plugins_dir_option,
    print_result,
    settings_options,
)
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings

if TYPE_CHECKING:
    from vaeaug.evaluation.utility import Utility


@click.command(short_help="Test whether synthetic images help a classifier.")
@click.argument("real", type=click.Path(path_type=Path))
@click.argument("synthetic", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Directory to write the report and all figures to."
)
@settings_options(EvaluateSettings)
@plugins_dir_option
@config_option
@output_options
def command(real: Path, synthetic: Path, out: Path | None, as_json: bool, quiet: bool, **options: Any) -> None:
    """Test whether the synthetic images in SYNTHETIC help a classifier of the classes in REAL.

    SYNTHETIC is the output of vaeaug augment or vaeaug sample, or contains one folder per class. Classifiers (small
    ones, or the network of --classifier) are trained with and without the synthetic images, and with and without
    the classical augmentation that suits REAL best. They are tested on real images that no model has seen: the test
    split of REAL, or --test DIR. If there are no test images, REAL is cross-validated, and the generative model is
    retrained for each fold.
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.evaluate.evaluate_command import evaluate  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        result = evaluate(real, synthetic, out, progress=progress, **given_options(options))
    if result.utility is not None and not (as_json or quiet):
        _print_table(result.utility, result.values["classifier"]["description"])
    report_text = (
        "" if out is None else f"\nLook at {out / 'report.html'}; all figures are in {out / 'evaluation.json'}."
    )
    values = {**result.values, "out": None if result.out is None else str(result.out)}
    print_result(values, result.verdict + report_text, as_json=as_json, quiet=quiet)


def _print_table(utility: Utility, classifier: str) -> None:
    from rich.console import Console  # noqa: PLC0415 (--help stays fast)
    from rich.table import Table  # noqa: PLC0415

    from vaeaug.evaluation.verdict import points  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    # In a narrow terminal figures go on two lines, but no name of a training method is cut.
    table.add_column("trained on", no_wrap=True, min_width=max(len(entry.arm.name) for entry in utility.arms))
    for name in ("accuracy", "balanced", "macro F1", f"against {utility.without.name}"):
        table.add_column(name, justify="right")
    for entry in utility.arms:
        figures = (entry.mean_over_seeds(name) for name in ("accuracy", "balanced_accuracy", "macro_f1"))
        cells = [
            f"{100 * mean:.1f}" + ("" if half_width is None else f" +- {100 * min(half_width, 1):.1f}")
            for mean, half_width in figures
        ]
        difference = entry.difference
        difference_text = "" if difference is None else points(difference)
        table.add_row(entry.arm.name, *cells, difference_text)
    console = Console(stderr=True)
    console.print(f"Classifier: {classifier}", markup=False, highlight=False)
    console.print(table)
