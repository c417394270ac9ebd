"""The XMP packet of a completed image: that of its source with vaeaug's properties added.

The packet is edited as text, so that everything else in it stays as other programs wrote it.
Source: XMP Specification, Part 1 (serialization in RDF/XML).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

_DESCRIPTION = re.compile(r"<rdf:Description\b.*?(?:/>|</rdf:Description>)", re.DOTALL)
_OURS = re.compile(r"<\w+:Description\b[^<>]*\bxmlns:vaeaug=[^<>]*/>")
_SOURCE_TYPE = re.compile(
    r"""\s\w+:DigitalSourceType\s*=\s*(?:"[^"]*"|'[^']*')|<(\w+:DigitalSourceType)\b[^<>]*?(?:/>|>.*?</\1>)""",
    re.DOTALL,
)
_ORIENTATION = re.compile(r"""(\btiff:Orientation(?:\s*=\s*["']|>)\s*)[2-8]""")
_RDF_END = re.compile(r"</(\w+):RDF>")


def merged(source: bytes | None, ours: str, *, upright: bool = False) -> str:
    """Return a source's packet with vaeaug's properties instead of its digital source type.

    Args:
        source: a packet, or None. Damaged ones and those with a document type declaration are dropped.
        ours: our packet: one `rdf:Description`.
        upright: whether the pixels are upright now, so that an orientation in the packet is dropped.
    """
    description = _DESCRIPTION.search(ours)
    text = None if source is None else _decoded(source)
    if text is None or description is None or "<!" in text:
        return ours
    text = _SOURCE_TYPE.sub("", _OURS.sub("", text))
    if upright:
        text = _ORIENTATION.sub(r"\g<1>1", text)
    end = _RDF_END.search(text)
    if end is None:
        return ours
    own = description[0] if end[1] == "rdf" else description[0].replace("rdf:", f"{end[1]}:")
    text = text[: end.start()] + own + text[end.start() :]
    return text if _is_packet(text) else ours


def _decoded(packet: bytes) -> str | None:
    """Return a packet as text; None if it is in no encoding of XMP."""
    for encoding in ("utf-8", "utf-16"):
        try:
            text = packet.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "RDF>" in text:
            return text.strip("\ufeff\0 ")
    return None


def _is_packet(text: str) -> bool:
    try:
        ET.fromstring(text.encode())  # noqa: S314 (without a document type declaration there are no entities)
    except ET.ParseError:
        return False
    return True
