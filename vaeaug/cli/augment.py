"""`vaeaug augment DATA OUT`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaeaug.cli.common import (
    config_option,
    given_options,
    output_options,
    plugin_options,
    print_result,
    sampler_options,
    settings_options,
)
from vaeaug.workflows.sample_settings import AugmentSettings, SampleSettings

if TYPE_CHECKING:
    from vaeaug.workflows.synthetic.synthetic_dataset import AugmentResult


@click.command(short_help="Extend a dataset with synthetic images, and write a report.")
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@settings_options(SampleSettings, AugmentSettings)
@sampler_options
@plugin_options
@config_option
@output_options
def command(data: Path, out: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Extend DATA with synthetic images of every class, and write the result to OUT as a dataset directory.

    DATA contains one folder per class, or train/, val/ and test/ with one folder per class, or images and a table with
    their labels (metadata.csv, labels.csv, or --labels FILE). It is never modified.

    By default each class gets ten synthetic images per real one, up to 500 synthetic images. It gets one per real image
    if it has more than 500 real images, or if images are larger than 128 x 128 pixels on average. Override with
    --per-class, --ratio or --balance.
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.augment.augment_command import augment  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        result = augment(data, out, progress=progress, **given_options(options))
    print_summary(result, out, as_json=as_json, quiet=quiet)


def print_summary(result: AugmentResult, out: Path, *, as_json: bool, quiet: bool) -> None:
    """Print the result."""
    from vaeaug.export.card import counts_entry  # noqa: PLC0415 (--help stays fast)

    rows = [counts_entry(count) for count in result.counts]
    values = {
        "out": str(result.out),
        "sampler": result.sampler,
        "classes": rows,
        "dropped": {label: dict(causes) for label, causes in result.dropped.items()},
        "remarks": list(result.warnings),
        "verdict": result.verdict,
    }
    real, synthetic = (sum(row[kind] for row in rows) for kind in ("real", "synthetic"))
    held_out = {split: sum(row[split] for row in rows) for split in ("val", "test")}
    other_splits = "".join(f", {count:,} in {split}" for split, count in held_out.items() if count)
    counts_text = f"{real:,} real and {synthetic:,} synthetic" if real else f"{synthetic:,} synthetic"
    text = "\n".join(
        [
            f"Wrote {out}: {counts_text} images in {len(rows)} {'class' if len(rows) == 1 else 'classes'}"
            f" (sampler {result.sampler}){other_splits}.",
            f"Look at {out / 'report.html'}; train on {out / 'train'}.",
            *([] if result.verdict is None else [result.verdict]),
        ]
    )
    print_result(values, text, as_json=as_json, quiet=quiet)
