"""What is written into a completed file about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provenance:
    """The mark of a completed image: `text` for PNG texts, and the same as an XMP `packet` (one `rdf:Description`)."""

    text: Mapping[str, str]
    packet: str
