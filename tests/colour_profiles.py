"""ICC profiles written by hand (ICC.1:2001-04): RGB by primaries and a gamma, gray by a gamma, CMYK by a table."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

D50 = (0.9642, 1.0, 0.8249)
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
"""XYZ of the primaries, adapted to D50, as in Apple's profile."""
SRGB = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def rgb_profile(primaries: tuple[tuple[float, float, float], ...], curve: bytes) -> bytes:
    """Return the profile of a display."""
    tags = {b"wtpt": _xyz(D50)}
    tags |= {name: _xyz(colour) for name, colour in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def gray_profile(curve: bytes) -> bytes:
    """Return the profile of a gray device."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50), b"kTRC": curve})


def cmyk_profile() -> bytes:
    """Return the profile of a printer whose black ink, alone, is a middle gray."""
    ends = np.array([0.0, 1.0])
    c, m, y, k = np.meshgrid(ends, ends, ends, ends, indexing="ij")
    lightness = 100 * (1 - (c + m + y) / 6) * (1 - k / 2)
    lab = np.stack([lightness / 100 * 65280, np.full_like(k, 32768), np.full_like(k, 32768)], axis=-1)
    head = struct.pack(">4s4xBBBx9i", b"mft2", 4, 3, 2, *(65536 * np.eye(3, dtype=int)).reshape(-1).tolist())
    ramp = struct.pack(">2H", 0, 65535)
    table = head + struct.pack(">HH", 2, 2) + 4 * ramp + lab.astype(">u2").tobytes() + 3 * ramp
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(D50), b"A2B0": table})


def gamma(value: float) -> bytes:
    """Return a curve v -> v ** value."""
    return struct.pack(">4s4xIH2x", b"curv", 1, round(value * 256))


def sampled(values: NDArray[np.float64]) -> bytes:
    """Return a curve through values in [0, 1] at equal distances."""
    return struct.pack(">4s4xI", b"curv", len(values)) + np.round(values * 65535).astype(">u2").tobytes()


def srgb_curve() -> bytes:
    """Return the curve of sRGB (IEC 61966-2-1)."""
    v = np.linspace(0, 1, 1024)
    return sampled(np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4))


def _xyz(colour: tuple[float, float, float]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in colour))


def _profile(kind: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": struct.pack(">4s4xI5sx", b"desc", 5, b"test") + bytes(78), **tags}
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    header = struct.pack(">I4sI4s4s4s12x4s", size, b"lcms", 0x02400000, kind, space, pcs, b"acsp")
    header = header.ljust(68, b"\0") + struct.pack(">3i", *(round(value * 65536) for value in D50))
    return header.ljust(128, b"\0") + table + body
