"""`vaeaug demo DIR`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from vaeaug.cli.common import output_options, print_result
from vaeaug.dataset.demo import write_demo


@click.command(short_help="Write the bundled sample dataset of real images.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@output_options
def command(directory: Path, as_json: bool, quiet: bool) -> None:
    """Write 700 images of Fashion-MNIST (10 classes, with a test split) to DIR, as PNG files in class folders.

    DIR must not exist, or be empty.
    """
    directory = directory.expanduser()
    demo = write_demo(directory)
    total = sum(demo.images.values())
    parts = " and ".join(f"{count} {split}" for split, count in demo.images.items())
    resolved = directory if directory.name not in ("", "..") else directory.resolve()
    next_command = shlex.join(["vaeaug", "augment", str(directory), f"{resolved}-extended"])
    text = (
        f"Wrote {total} images ({parts}) of {len(demo.classes)} classes to {directory}: a sample of Fashion-MNIST, "
        f"MIT licence, (c) 2017 Zalando SE.\nNext:  {next_command}"
    )
    values = {"directory": str(directory), "classes": list(demo.classes), "images": demo.images, "next": next_command}
    print_result(values, text, as_json=as_json, quiet=quiet)
