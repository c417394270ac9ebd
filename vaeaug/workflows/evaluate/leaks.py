"""Test images that the model may have seen: figures on them would flatter it."""

from __future__ import annotations

from collections.abc import Iterable, Set
from pathlib import Path

from vaeaug.dataset.contents import content_digest
from vaeaug.dataset.decode import UnreadableImageError, read_file
from vaeaug.errors import InputError
from vaeaug.workflows.evaluate.images import Images
from vaeaug.workflows.evaluate.manifest import REAL, SYNTHETIC, Manifest


def refuse_leaks(
    test: Images, tested_on: str, made: Images, directory: Path, manifest: Manifest | None, held_out: Set[str]
) -> None:
    """Refuse synthetic images that are test images or show them, and a model that was trained on them.

    Args:
        test: the test images.
        tested_on: where they are from, in words.
        made: the synthetic images.
        directory: where these are.
        manifest: of that directory, if there is one.
        held_out: the names of files that manifests mean by the same names and that are not for training.

    Raises:
        InputError: it is so.
    """
    tested = set(test.digests())
    remedy = "test on images that it has not seen: --test DIR"
    copied = sum(digest in tested for digest in made.digests())
    if copied:
        raise InputError(f"{copied} of the synthetic images in {directory} are test images of {tested_on}; {remedy}")
    rows = manifest or {}
    trained_on = (
        directory / name for name, row in rows.items() if row["synthetic"] in REAL and row["split"] == "train"
    )
    seen = sum(digest in tested for digest in _digests(trained_on))
    if seen:
        raise InputError(f"{directory} was made from {seen} of the test images of {tested_on}; {remedy}")
    shown = sum(
        row["synthetic"] in SYNTHETIC and not held_out.isdisjoint((row["source"], row.get("original", "")))
        for row in rows.values()
    )
    if shown:
        raise InputError(
            f"{shown} of the synthetic images were made from test images of {tested_on}; "
            "make them from the training images alone"
        )


def _digests(paths: Iterable[Path]) -> Iterable[str]:
    """Yield the hashes of files; those that are gone tell nothing."""
    for path in paths:
        try:
            yield content_digest(read_file(path))
        except UnreadableImageError:
            continue
