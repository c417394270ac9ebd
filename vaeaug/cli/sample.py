"""`vaeaug sample MODEL OUT`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vaeaug.cli.augment import print_summary
from vaeaug.cli.common import (
    config_option,
    given_options,
    output_options,
    plugins_dir_option,
    sampler_options,
    sampling_options,
    settings_options,
)
from vaeaug.workflows.sample_settings import SampleModelSettings, SampleSettings


@click.command(short_help="Sample synthetic images from a trained model.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@settings_options(SampleSettings, SampleModelSettings)
@click.option("--class", "classes", multiple=True, metavar="NAME", help="Sample only this class; can be repeated.")
@sampler_options
@sampling_options
@plugins_dir_option
@config_option
@output_options
def command(model: Path, out: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Sample synthetic images from the trained MODEL and write them to OUT, in one folder per class.

    By default each class gets as many images as the model was trained on. Override with --per-class, --ratio or
    --balance.
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.synthetic.sample_command import sample  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        result = sample(model, out, progress=progress, **given_options(options))
    print_summary(result, out, as_json=as_json, quiet=quiet)
