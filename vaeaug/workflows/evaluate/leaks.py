"""Test images that the model may have seen, which would make results too good."""

from __future__ import annotations

from collections.abc import Iterable, Set
from pathlib import Path

from vaeaug.dataset.contents import content_digest
from vaeaug.dataset.decode import UnreadableImageError, read_file
from vaeaug.errors import InputError
from vaeaug.workflows.evaluate.image_subset import ImageSubset
from vaeaug.workflows.evaluate.synthetic_record import REAL, SYNTHETIC, Manifest


def check_leaks(
    test: ImageSubset,
    tested_on: str,
    synthetic: ImageSubset,
    directory: Path,
    manifest: Manifest | None,
    held_out: Set[str],
) -> None:
    """Check that no synthetic image is or shows a test image, and that the model was not trained on test images.

    `held_out` are names of files, as manifests list them, that are not training images.

    Raises:
        InputError: if a test image was copied, used for training, or edited.
    """
    tested = set(test.digests())
    remedy = "give other test images with --test DIR"
    copied = sum(digest in tested for digest in synthetic.digests())
    if copied:
        raise InputError(f"{copied} of the synthetic images in {directory} are test images of {tested_on}; {remedy}")
    rows = manifest or {}
    trained_on = (
        directory / name for name, row in rows.items() if row["synthetic"] in REAL and row["split"] == "train"
    )
    training_overlap = sum(digest in tested for digest in _digests(trained_on))
    if training_overlap:
        raise InputError(f"{directory} was made from {training_overlap} of the test images of {tested_on}; {remedy}")
    edits = sum(
        row["synthetic"] in SYNTHETIC and not held_out.isdisjoint((row["source"], row.get("original", "")))
        for row in rows.values()
    )
    if edits:
        raise InputError(
            f"{edits} of the synthetic images were made from test images of {tested_on}; "
            "make them from training images only"
        )


def _digests(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        try:
            yield content_digest(read_file(path))
        except UnreadableImageError:
            continue
