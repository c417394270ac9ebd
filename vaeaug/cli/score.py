"""`vaeaug score MODEL DATA OUT`."""

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
from vaeaug.workflows.score.score_settings import ScoreSettings


@click.command(short_help="Score how anomalous images are, and find suspicious labels.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@settings_options(ScoreSettings)
@plugins_dir_option
@config_option
@output_options
def command(model: Path, data: Path, out: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Score how anomalous each image in DATA is under the trained MODEL, and write a table and a page to OUT.

    DATA is a dataset with class folders or splits, a folder of images, or one image. It is never modified. For labelled
    images, suspicious labels are reported too.
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.score.score_command import score  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        result = score(model, data, out, progress=progress, **given_options(options))
    values = {
        "out": str(result.out),
        "images": result.images,
        "by": result.by,
        "judge": result.judge,
        "suspicious": result.suspicious,
        "remarks": list(result.warnings),
    }
    suspicious_text = "" if result.judge == "nobody" else f", {result.suspicious:,} with a suspicious label"
    text = (
        f"Wrote {out}: scores of {result.images:,} {'image' if result.images == 1 else 'images'}{suspicious_text}.\n"
        f"Look at {out / 'gallery.html'}; all scores are in {out / 'scores.csv'}."
    )
    print_result(values, text, as_json=as_json, quiet=quiet)
