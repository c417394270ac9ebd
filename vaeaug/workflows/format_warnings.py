"""Warnings about the file formats of synthetic images."""

from __future__ import annotations

from collections.abc import Mapping

from vaeaug.export.class_format import ClassFormat


def format_warnings(kinds: Mapping[str, ClassFormat]) -> list[str]:
    """Return warnings about formats that some readers do not list or decode as expected."""
    warnings = []
    webp = [label for label, kind in kinds.items() if kind.encoding.format == "WEBP"]
    if webp:
        warnings.append(
            "--format webp: timm and Keras do not list .webp files, so they train without the synthetic images; "
            "--format png or jpeg is listed by every reader"
        )
    stored_as_png = [
        label
        for label, kind in kinds.items()
        if kind.requested_format in ("jpeg", "webp") and kind.encoding.format == "PNG"
    ]
    if stored_as_png:
        asked = kinds[stored_as_png[0]].requested_format
        gray = ", gray" if asked == "webp" else ""
        warnings.append(
            f"PNG files are written for {_some(stored_as_png)}, because {asked} files cannot store palette{gray}, "
            "16-bit or transparent images"
        )
    deep = [label for label, kind in kinds.items() if kind.mode == "I;16"]
    if deep:
        warnings.append(
            f"images of {_some(deep)} are 16-bit gray. Readers that call Pillow's convert('RGB') (torchvision, timm, "
            "Keras, fastai) clip them to white, real and synthetic alike; give them a loader that calls "
            "numpy.asarray(Image.open(FILE)) and divides by the largest value"
        )
    return warnings


def _some(labels: list[str]) -> str:
    more = f" and {len(labels) - 3:,} more classes" if len(labels) > 3 else ""
    return ", ".join(labels[:3]) + more
