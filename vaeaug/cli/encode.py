"""`vaeaug encode MODEL DATA OUT`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from vaeaug.cli.common import (
    config_option,
    given_options,
    output_options,
    plugins_dir_option,
    print_result,
    settings_options,
)
from vaeaug.workflows.encode.encode_settings import EncodeSettings


@click.command(short_help="Write the latent features of images.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@settings_options(EncodeSettings)
@plugins_dir_option
@config_option
@output_options
def command(model: Path, data: Path, out: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Encode the images in DATA with the trained MODEL, and write their latent features to OUT.

    DATA is a dataset, a folder of images or one image. It is never modified. OUT/features contains Parquet files with
    the columns file_name, split, label, class, synthetic, mean and logvar (variants with other latents have other
    columns).
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.encode.encode_command import encode  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        result = encode(model, data, out, progress=progress, **given_options(options))
    values = {
        "out": str(result.out),
        "images": result.images,
        "columns": {column.name: dataclasses.asdict(column) for column in result.columns},
        "encoded_as": result.encoded_as,
        "label": result.label,
        "remarks": list(result.warnings),
    }
    columns = ", ".join(f"{column.name} ({' x '.join(map(str, column.shape))})" for column in result.columns)
    total = sum(result.images.values())
    text = f"Wrote {out}: features of {total:,} {'image' if total == 1 else 'images'}: {columns}"
    print_result(values, text, as_json=as_json, quiet=quiet)
