"""The names of variants and losses: lower case, words joined by hyphens."""

from __future__ import annotations

import re
import unicodedata


def is_name(text: str) -> bool:
    """Return whether `text` is lower case, its words joined by hyphens."""
    return re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text) is not None


def to_name(text: str) -> str:
    """Return the nearest allowed name.

    >>> to_name("MyVAE"), to_name("my_vae 2"), to_name("Überall")
    ('my-vae', 'my-vae-2', 'uberall')
    """
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()  # without accents
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", text)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "my-name"
