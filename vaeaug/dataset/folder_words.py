"""The words in the names of folders."""

from __future__ import annotations

import re
import unicodedata


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text that are separated by spaces."""
    return frozenset(text.split())


IMAGE_WORDS = word_set(
    "image images img imgs photo photos picture pictures pics jpegimages jpg jpeg jpgs png pngs rgb input inputs"
)
"""Words for folders that contain images of any class."""

MASK_WORDS = word_set(
    "mask masks annotation annotations annot annots segmentation segmentations segmentationclass segmentationobject "
    "seg gt groundtruth gtfine gtcoarse trimap trimaps label labels labelids target targets depth depths disparity "
    "bbox bboxes xml xmls"
)
"""Words for folders that contain masks, boxes or other annotations."""

FILLER_WORDS = word_set(
    "set sets data dataset datasets sample samples example examples file files folder split splits part parts raw "
    "full all new final cropped resized small stage public private cls obj the my our only archive archives "
    "download downloads unzipped extracted original originals color colour"
)
"""Words that carry no information about the content of a folder."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")


def words(name: str) -> list[str]:
    """Return the words of a name in lower case: split at separators, digits, and where a capital follows.

    >>> words("trainImages_2017")
    ['train', 'images', '2017']
    """
    return [word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", name))]
