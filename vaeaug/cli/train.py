"""`vaeaug train DATA MODEL`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vaeaug.cli.common import (
    config_option,
    given_options,
    output_options,
    plugin_options,
    print_result,
    settings_options,
)
from vaeaug.workflows.train_settings import TrainModelSettings, TrainSettings


@click.command(short_help="Train a model on a dataset.")
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("model", type=click.Path(path_type=Path))
@settings_options(TrainSettings, TrainModelSettings)
@plugin_options
@config_option
@output_options
def command(data: Path, model: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Train a model on the images in DATA and store it in the directory MODEL.

    DATA contains one folder per class, or train/, val/ and test/ with one folder per class, or images and a table with
    their labels (metadata.csv, labels.csv, or --labels FILE). It is never modified.
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.model_warnings import describe_latents, model_warnings  # noqa: PLC0415 (imports torch)
    from vaeaug.workflows.train.train_command import train  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        trained_model = train(data, model, progress=progress, **given_options(options))
    record = trained_model.record
    metrics = record.metrics
    prefix = "" if record.scope == "shared" else "the shared network: "
    text = (
        f"Trained {record.variant.name} with {record.loss.name} ({record.scope}) on {len(record.classes)} classes, "
        f"{sum(entry.images for entry in record.classes):,} images: {prefix}{metrics['stopped']}; "
        f"{describe_latents(metrics)}.\n"
        f"Next:  vaeaug sample {model} OUT"
    )
    values = {
        "model": str(model),
        "variant": record.variant.name,
        "loss": record.loss.name,
        "loss_reason": record.loss_reason,
        "scope": record.scope,
        "classes": {entry.name: {"images": entry.images, **entry.metrics} for entry in record.classes},
        "metrics": metrics,
        "remarks": model_warnings(trained_model.stored),
    }
    print_result(values, text, as_json=as_json, quiet=quiet)
