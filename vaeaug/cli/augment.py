"""`vaeaug augment DATA OUT`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaeaug.cli.common import (
    config_option,
    given,
    output_options,
    plugin_options,
    result,
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
        made = augment(data, out, progress=progress, **given(options))
    report(made, out, as_json=as_json, quiet=quiet)


def report(made: AugmentResult, out: Path, *, as_json: bool, quiet: bool) -> None:
    """Print the result."""
    from vaeaug.export.card import counts_entry  # noqa: PLC0415 (--help stays fast)

    rows = [counts_entry(count) for count in made.counts]
    values = {
        "out": str(made.out),
        "sampler": made.sampler,
        "classes": rows,
        "dropped": {label: dict(causes) for label, causes in made.dropped.items()},
        "remarks": list(made.warnings),
        "verdict": made.verdict,
    }
    real, synthetic = (sum(row[kind] for row in rows) for kind in ("real", "synthetic"))
    held_out = {split: sum(row[split] for row in rows) for split in ("val", "test")}
    passed = "".join(f", {count:,} in {split}" for split, count in held_out.items() if count)
    kinds = f"{real:,} real and {synthetic:,} synthetic" if real else f"{synthetic:,} synthetic"
    text = "\n".join(
        [
            f"Wrote {out}: {kinds} images in {len(rows)} {'class' if len(rows) == 1 else 'classes'}"
            f" (sampler {made.sampler}){passed}.",
            f"Look at {out / 'report.html'}; train on {out / 'train'}.",
            *([] if made.verdict is None else [made.verdict]),
        ]
    )
    result(values, text, as_json=as_json, quiet=quiet)
