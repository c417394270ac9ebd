"""The copies of real images in an output: they are made, some rewritten, and the warnings about them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from vaeaug.dataset.image_cache import ImageCache
from vaeaug.dataset.index import DatasetIndex
from vaeaug.dataset.rules import RGB, WHITE, DecodeRules
from vaeaug.export.class_format import ClassFormat
from vaeaug.export.normalize import REASONS, CopyRule, copy_rule
from vaeaug.export.real import RealImage, copy_real, place_real
from vaeaug.progress import Tick
from vaeaug.workflows.run import Run
from vaeaug.workflows.sample_settings import AugmentSettings

_REWRITTEN = {
    "transparency": "had transparency (composited on {background})",
    "orientation": "{were} rotated by EXIF",
    "profile": "had a colour profile (converted to sRGB)",
    "frames": "had further frames or pages (the first is kept)",
    "format": "{were} neither PNG nor JPEG ({formats})",
    "depth": "had another bit depth than {their} class",
    "mode": "had another colour mode than {their} class",
}
_EXACT_COPIES = {
    "transparency": "{have} transparency, which torchvision, timm, Keras, Ultralytics and fastai drop",
    "orientation": "{are} rotated by EXIF, which torchvision, timm, Keras and fastai do not apply",
    "profile": "{have} a colour profile, which no reader applies",
    "frames": "{have} further frames or pages, of which readers decode the first",
    "format": "{are} neither PNG nor JPEG ({formats}), which timm does not list and Keras only in part",
    "depth": "{have} another bit depth than {their} class, so their range differs in every reader",
    "mode": "{have} another colour mode than {their} class, which Hugging Face datasets shows",
}


def copy_images(
    run: Run[AugmentSettings], index: DatasetIndex, cache: ImageCache, kinds: Mapping[str, ClassFormat]
) -> tuple[RealImage, ...]:
    """Copy the readable images of DATA to the output: all but, on request, the real training images.

    Args:
        kinds: class -> the format of its images.
    """
    chosen = run.settings
    rules = copy_rules(cache, kinds, keep_alpha=chosen.keep_alpha, exact=chosen.copy == "exact")
    readable = [file for file in index.files if file.file_name in rules]
    images = place_real(readable, index.layout, rules)
    if chosen.synthetic_only:
        images = tuple(image for image in images if image.split != "train" or image.synthetic)
    run.progress.stage("Copying images")
    copy_real(
        images,
        run.content,
        link="hard" if chosen.link == "hard" else "copy",
        progress=lambda done, total: run.progress.tick(Tick(done / max(total, 1))),
    )
    return images


def copy_rules(
    cache: ImageCache, kinds: Mapping[str, ClassFormat], *, keep_alpha: bool, exact: bool
) -> dict[str, CopyRule]:
    """Return `file_name` -> how the image is copied, for each readable image of a dataset.

    With `exact`, bytes are kept even if readers decode the file differently.
    """
    decoding = decoding_rules(cache, keep_alpha=keep_alpha)
    return {
        file.file_name: copy_rule(
            file.traits, PurePosixPath(file.file_name).suffix, kinds[file.label], decoding, exact=exact
        )
        for file in cache.files
    }


def copy_warnings(images: Sequence[RealImage], *, remedy: str = "; --copy exact keeps the bytes") -> list[str]:
    """Return the warnings about copies that were rewritten or renamed, or that readers decode differently.

    `remedy` ends a message: how to keep the bytes.
    """
    noun = "copied images" if any(image.synthetic for image in images) else "real images"
    rules = [image.rule for image in images if image.rule is not None]
    affected = [rule for rule in rules if rule.reasons]
    warnings = []
    if affected and affected[0].exact:
        warnings.append(
            f"--copy exact: {_count_text(len(affected), len(images), noun)} not decoded by every reader like the "
            f"synthetic ones: {_listed(affected, _EXACT_COPIES)}; leave out --copy exact to rewrite the copies"
        )
    elif affected:
        verb = "was" if len(affected) == 1 else "were"
        warnings.append(
            f"{len(affected):,} of {len(images):,} {noun} {verb} rewritten so that every reader decodes them "
            f"like the synthetic ones: {_listed(affected, _REWRITTEN)}; the originals are unchanged{remedy}"
        )
    renamed = Counter(
        PurePosixPath(image.source).suffix
        for image in images
        if image.rule is not None and not image.rule.reasons and image.rule.suffix is not None
    )
    if renamed:
        suffixes = ", ".join(f"{count:,} {suffix or 'without a suffix'}" for suffix, count in sorted(renamed.items()))
        warnings.append(
            f"{sum(renamed.values()):,} copies were renamed to the suffix of their format, because some readers do not "
            f"accept the original suffix: {suffixes}; their bytes are unchanged"
        )
    return warnings


def copies_record(images: Sequence[RealImage]) -> dict[str, Any]:
    """Return how many copies were rewritten and why, as JSON values for the record."""
    reasons = Counter(reason for image in images for reason in image.reasons)
    return {
        "images": sum(bool(image.reasons) for image in images),
        "reasons": {reason: reasons[reason] for reason in REASONS if reasons[reason]},
    }


def background_name(background: RGB) -> str:
    """Return a colour as an option value."""
    named = {WHITE: "white", (0, 0, 0): "black"}
    return named.get(background) or "#{:02x}{:02x}{:02x}".format(*background)


def _listed(rules: Sequence[CopyRule], phrases: Mapping[str, str]) -> str:
    parts = []
    for reason in REASONS:
        matching = [rule for rule in rules if reason in rule.reasons]
        if matching:
            parts.append(f"{len(matching):,} {_words(phrases[reason], matching)}")
    return ", ".join(parts)


def _words(phrase: str, rules: Sequence[CopyRule]) -> str:
    one = len(rules) == 1
    return phrase.format(
        were="was" if one else "were",
        are="is" if one else "are",
        have="has" if one else "have",
        their="its" if one else "their",
        background=background_name(rules[0].decoding.background),
        formats=_formats(rules),
    )


def _formats(rules: Iterable[CopyRule]) -> str:
    return ", ".join(sorted({rule.traits.format for rule in rules}))


def _count_text(part: int, whole: int, noun: str) -> str:
    return f"{part:,} of {whole:,} {noun} {'is' if part == 1 else 'are'}"


def decoding_rules(cache: ImageCache, *, keep_alpha: bool) -> DecodeRules:
    """Return how real images are decoded for edits and for rewritten copies."""
    return dataclasses.replace(cache.rules, keep_alpha=keep_alpha)
