"""`vaeaug interpolate MODEL A B OUT`."""

from __future__ import annotations

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
from vaeaug.workflows.pictures.picture_settings import InterpolateSettings


@click.command(short_help="Draw the path between two images in latent space.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@settings_options(InterpolateSettings, leave_out=("workers",))
@plugins_dir_option
@config_option
@output_options
def command(model: Path, first: Path, second: Path, out: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Draw the path in latent space from image A to image B, as decoded by the trained MODEL.

    OUT contains strip.png, path.gif (forwards and backwards) and one image per step in frames/.
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.pictures.interpolate_command import interpolate  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        result = interpolate(model, first, second, out, progress=progress, **given_options(options))
    values = {
        "out": str(result.out),
        "labels": list(result.labels),
        "steps": result.steps,
        "remarks": list(result.warnings),
    }
    text = f"Wrote {out}: {result.steps} images from {result.labels[0]!r} to {result.labels[1]!r}"
    print_result(values, text, as_json=as_json, quiet=quiet)
