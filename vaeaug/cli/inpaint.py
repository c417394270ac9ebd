"""`vaeaug inpaint MODEL IMAGES OUT`."""

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
from vaeaug.workflows.inpaint.inpaint_settings import InpaintSettings


@click.command(short_help="Fill holes in images without changing the visible pixels.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@settings_options(InpaintSettings)
@plugins_dir_option
@config_option
@output_options
def command(model: Path, images: Path, out: Path, as_json: bool, quiet: bool, **options: Any) -> None:
    """Fill the holes of the images in IMAGES with the trained MODEL, and write them to OUT in the same folder layout.

    IMAGES is a dataset, a folder of images, or one image. It is never modified. Specify the holes with one of --masks,
    --alpha, --missing-color, --coco and --random-holes. Visible pixels stay bit-identical, and format, metadata and
    pages are preserved (JPEG and some other formats become PNG). Images without holes are copied unchanged.

    On first use, an inpainting encoder is trained and stored in MODEL (vaeaug train --inpainting trains it earlier).
    """
    from vaeaug.cli.progress import make_progress  # noqa: PLC0415 (--help stays fast)
    from vaeaug.workflows.inpaint.inpaint_command import inpaint  # noqa: PLC0415 (imports torch)

    with make_progress(quiet=quiet) as progress:
        result = inpaint(model, images, out, progress=progress, **given_options(options))
    values = {
        "out": str(result.out),
        "images": result.images,
        "completions": result.files,
        "passed_through": result.unchanged,
        "method": result.method,
        "invalid": result.invalid,
        "remarks": list(result.warnings),
    }
    completed = f"{result.images:,} {'image' if result.images == 1 else 'images'} completed"
    per_image = "" if result.files == result.images else f", {result.files // result.images:,} completions each"
    unchanged = f", {result.unchanged:,} copied unchanged" if result.unchanged else ""
    text = f"Wrote {out}: {completed}{per_image}{unchanged} ({result.method}).\nLook at {out / 'report.html'}."
    print_result(values, text, as_json=as_json, quiet=quiet)
