"""Which real images other readers decode differently, and how their copies are rewritten.

A real image is copied byte for byte if torchvision, Hugging Face `datasets`, timm, Keras, Ultralytics and fastai all
list its name and decode it as `vaeaug.dataset.decode` does, in the mode of its class. Otherwise its copy is rewritten
(`REASONS`) with the pixels of `decode_full` and without metadata; only the mark of a synthetic image is kept. A PNG or
JPEG file with another suffix keeps its bytes and gets the suffix of its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaeaug.dataset.decode import decode_full
from vaeaug.dataset.deep import DEEP_MODES
from vaeaug.dataset.mark import PREFIX, read_mark
from vaeaug.export.class_format import ClassFormat, as_class_format, copied_as, encode_in_class_format
from vaeaug.export.encoding import SUFFIXES, Format

if TYPE_CHECKING:
    from vaeaug.dataset.rules import DecodeRules
    from vaeaug.dataset.traits import FileTraits

REASONS = ("transparency", "orientation", "profile", "frames", "format", "depth", "mode")
"""Why readers see another image than we do: it is transparent; EXIF rotates it; its colour profile is not sRGB; it has
several frames or pages; it is neither a PNG nor a JPEG file; its bit depth or its colour mode is another than its
class's."""

_COMMON = frozenset({"PNG", "JPEG", "MPO"})
_OPAQUE = {"LA": "L", "La": "L", "RGBA": "RGB", "RGBa": "RGB"}
_LISTED: Mapping[Format, frozenset[str]] = {"PNG": frozenset({".png"}), "JPEG": frozenset({".jpg", ".jpeg"})}


@dataclass(frozen=True, slots=True)
class CopyRule:
    """How the copy of a real image is written.

    Attributes:
        reasons: why readers decode it differently, in the order of `REASONS`.
        suffix: suffix of the copy; None if it is unchanged.
        exact: whether the bytes are kept anyway.
    """

    traits: FileTraits
    reasons: tuple[str, ...]
    suffix: str | None
    kind: ClassFormat
    decoding: DecodeRules
    exact: bool = False


def copy_rule(traits: FileTraits, suffix: str, kind: ClassFormat, decoding: DecodeRules, *, exact: bool) -> CopyRule:
    """Return how the copy of a real image is written; with `exact`, unchanged, and the reasons are only recorded."""
    reasons = tuple(reason for reason, applies in _reasons(traits, kind).items() if applies)
    if exact:
        return CopyRule(traits, reasons, None, kind, decoding, exact=True)
    kept: Format = "PNG" if traits.format == "PNG" else "JPEG"
    target_format = copied_as(traits, kind.mode).format if reasons else kept
    new_suffix = None if suffix.lower() in _LISTED[target_format] else SUFFIXES[target_format]
    return CopyRule(traits, reasons, new_suffix, kind, decoding)


def rewritten(data: bytes, rule: CopyRule) -> bytes:
    """Return the file of a rewritten copy; the same file and rule give the same bytes."""
    full = decode_full(data, rule.decoding)
    pixels_HWC = as_class_format(full, rule.kind)
    mark = read_mark(data)
    text = None if mark is None else {f"{PREFIX}:{name}": value for name, value in mark.fields.items()}
    encoding = copied_as(full.traits, rule.kind.mode)
    return encode_in_class_format(pixels_HWC, rule.kind, encoding, text)


def _reasons(traits: FileTraits, kind: ClassFormat) -> dict[str, bool]:
    deep = kind.mode == "I;16"
    if deep:  # 16-bit PNG files open as `I;16` or, with older versions of Pillow, `I`
        other_mode = traits.deep and traits.mode not in ("I;16", "I")
    else:
        opaque = traits.mode if kind.transparent else _OPAQUE.get(traits.mode, traits.mode)
        other_mode = opaque != kind.mode and traits.mode not in DEEP_MODES
    return {
        "transparency": traits.transparent and not kind.transparent,
        "orientation": traits.orientation != 1,
        "profile": traits.profile,
        # The further pictures of an MPO file are behind a whole JPEG file, where no reader looks.
        "frames": traits.frames > 1 and traits.format != "MPO",
        "format": traits.format not in _COMMON,
        "depth": traits.deep != deep,
        "mode": other_mode and traits.format in _COMMON,  # what other formats hold has other modes of its own
    }
