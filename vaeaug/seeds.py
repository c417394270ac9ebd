"""Seeds for independent streams of random numbers, derived from names, so that no stream depends on another's use."""

from __future__ import annotations

import hashlib


def seed_of(*parts: object) -> int:
    """Return a seed in [0, 2**63) that depends only on the text of `parts`, the same on every machine.

    Example: `seed_of(seed, "sample", label, chunk)`.
    """
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1
