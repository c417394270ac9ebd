"""What the file of a synthetic image says it is, in the terms of IPTC.

IPTC Photo Metadata Standard, `DigitalSourceType`, in an XMP packet; the terms are those of IPTC's controlled vocabulary
(NewsCodes).
"""

from __future__ import annotations

from enum import StrEnum


class SourceType(StrEnum):
    """A term of the vocabulary; its value is the term's address."""

    TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    """Made by a model that was trained on sampled content: every synthetic image of a dataset, also where it is a
    real one that a model changed as a whole."""

    COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    """An existing image of which a trained model made a part, the rest being as it was."""


XMP_KEYWORD = "XML:com.adobe.xmp"
"""Keyword of the PNG chunk that holds a packet (XMP Specification, Part 3, section 1.1.5)."""


def xmp(source_type: SourceType) -> str:
    """Return an XMP packet that says which type an image is of."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{source_type.value}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
