"""The mark in the file of a synthetic image: an XMP packet with the IPTC digital source type and properties of vaeaug.

IPTC Photo Metadata Standard, `DigitalSourceType`; the terms are those of IPTC's controlled vocabulary (NewsCodes). Our
properties are those of `vaeaug.dataset.mark`, which reads them again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from vaeaug.dataset.mark import NAMESPACE, PREFIX, XMP_KEYWORD

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["XMP_KEYWORD", "SourceType", "packet_of", "properties_of", "xmp"]

_MAX_PACKET_BYTES = 65000  # bytes of an XMP packet in a JPEG segment; the format allows 65,502
_MAX_VALUE_CHARS = 4096  # characters of a property


class SourceType(StrEnum):
    """A term of the vocabulary; its value is the term's address."""

    TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    """Made by a model that was trained on sampled content: every synthetic image of a dataset, even if it is a real one
    that a model changed as a whole.
    """

    COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    """An existing image of which a trained model made a part, the rest being as it was."""


def xmp(source_type: SourceType, properties: Mapping[str, str] | None = None) -> str:
    """Return an XMP packet with properties (name without prefix -> value), for formats without text chunks."""
    ours = ""
    if properties:
        listed = "".join(f" {PREFIX}:{name}={quoteattr(_legal(value))}" for name, value in properties.items())
        ours = f' xmlns:{PREFIX}="{NAMESPACE}"{listed}'
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{source_type.value}"{ours}/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )


def properties_of(text: Mapping[str, str]) -> dict[str, str]:
    """Return the text chunks of a PNG file as XMP properties; `Software`, which is no field of ours, is kept too."""
    return {keyword.removeprefix(f"{PREFIX}:").lower(): value for keyword, value in text.items()}


def packet_of(text: Mapping[str, str]) -> bytes:
    """Return the XMP packet of a synthetic image with the text chunks of a PNG file as properties, cut if too long."""
    fields = {"synthetic": "true", **properties_of(text)}
    source_type = SourceType.COMPOSITE if fields["synthetic"] == "partly" else SourceType.TRAINED
    packet = xmp(source_type, fields).encode()
    if len(packet) > _MAX_PACKET_BYTES:
        packet = xmp(source_type, {name: value[:_MAX_VALUE_CHARS] for name, value in fields.items()}).encode()
    return packet


def _legal(value: str) -> str:
    """Return text that XML can hold: other characters (control characters, halves of a pair) are escaped."""
    return "".join(
        character
        if character in "\t\n\r"
        or " " <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character > "\uffff"
        else character.encode("unicode_escape").decode()
        for character in value
    )
