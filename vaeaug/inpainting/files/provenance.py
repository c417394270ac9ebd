"""What is written into a completed file about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provenance:
    """The mark of a completed image.

    Attributes:
        text: keyword -> value, for formats with texts (PNG).
        packet: an XMP packet that says the same: one `rdf:Description`.
    """

    text: Mapping[str, str]
    packet: str
