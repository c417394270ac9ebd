"""The names of variants and losses (lower case, words joined by hyphens), and names of terms with a meaning."""

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


def is_kl_name(term: str) -> bool:
    """Return whether a term of an objective is annealed if its variant does not declare it: `kl` or `kl/<group>`.

    This is the rule of plugin API 1, which variants without `Variant.terms` rely on.

    >>> is_kl_name("kl"), is_kl_name("kl/top"), is_kl_name("klx")
    (True, True, False)
    """
    return term == "kl" or term.startswith("kl/")
