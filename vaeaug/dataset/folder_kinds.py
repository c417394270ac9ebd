"""The kind of content of a folder according to its name: images of any class, masks, no particular class."""

from __future__ import annotations

from vaeaug.dataset.folder_words import FILLER_WORDS, IMAGE_WORDS, MASK_WORDS, word_set, words
from vaeaug.dataset.splits import without_split

_UNLABELLED_WORDS = word_set("unlabeled unlabelled unsup pred predict prediction predictions inference submission")


def is_image_folder(name: str) -> bool:
    """Return whether a folder of this name contains images of whatever class: `images`, `JPEGImages`, `raw_photos`."""
    found = _plain(name)
    return bool(found) and bool(set(found) & IMAGE_WORDS) and set(found) <= IMAGE_WORDS | FILLER_WORDS


def is_mask_folder(name: str) -> bool:
    """Return whether a folder of this name contains annotations: `masks`, `ground_truth`, `SegmentationClass`."""
    found = _plain(name)
    return bool(set(found) & MASK_WORDS) and set(found) <= MASK_WORDS | IMAGE_WORDS | FILLER_WORDS


def is_generic(name: str) -> bool:
    """Return whether a name is not that of a class: `images`, `data`, `set_2`, `train2017`; `7` may well be one."""
    found = set(words(name))
    return bool(found) and not all(word.isdigit() for word in found) and set(_plain(name)) <= IMAGE_WORDS | FILLER_WORDS


def is_unlabelled(name: str) -> bool:
    """Return whether a folder of this name contains images without labels: `unlabeled`, `seg_pred`."""
    return not _UNLABELLED_WORDS.isdisjoint(words(name))


def _plain(name: str) -> list[str]:
    """Return the words of a name without digits and words for splits."""
    whole = "".join(words(name))
    if whole in IMAGE_WORDS | MASK_WORDS:  # JPEGImages, ground_truth
        return [whole]
    return [word for word in without_split(name) if not word.isdigit()]
