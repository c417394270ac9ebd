"""`vaeaug traverse MODEL OUT`."""

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
from vaeaug.workflows.pictures.picture_settings import TraverseSettings


@click.command(short_help="Show what each latent dimension changes.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@settings_options(TraverseSettings, leave_out=("workers",))
@click.option("--class", "classes", multiple=True, metavar="NAME", help="Use only this class; can be repeated.")
@plugins_dir_option
@config_option
@output_options
def command(model: Path, out: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Write one picture per class to OUT that shows what each latent dimension of the trained MODEL changes.

    Each row is one dimension, the most informative first. Along a row, only that dimension changes.
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.pictures.traverse_command import traverse  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        result = traverse(model, out, progress=progress, **given_options(options))
    values = {
        "out": str(result.out),
        "measure": result.measure,
        "latents": {k: list(v) for k, v in result.latents.items()},
    }
    count = len(result.latents)
    text = f"Wrote {out}: {count} {'picture' if count == 1 else 'pictures'}, dimensions ordered by {result.measure}"
    print_result(values, text, as_json=as_json, quiet=quiet)
