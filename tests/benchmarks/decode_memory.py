"""How much memory decoding large images takes, with the shared budget of pixels and without it.

    python tests/benchmarks/decode_memory.py --megapixels 100 --threads 1 4

The script draws a photograph-like image of that many pixels and saves it as a PNG, a JPEG (both RGB) and a TIFF of
16-bit gray. For each format, number of threads and bound, a fresh process decodes one copy per thread at the same time
to 64 x 64, as the image cache does. Printed are the growth of the peak resident memory over the process before decoding
(Linux only) and the time. Without the budget each thread decodes whatever it is given at once.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from vaeaug.dataset import opening
from vaeaug.dataset.decode import decode, read_file
from vaeaug.dataset.levels import Levels
from vaeaug.dataset.rules import DecodeRules

FORMATS = ("png", "jpeg", "tiff")
SIDE = 64


def write_images(folder: Path, megapixels: float) -> dict[str, Path]:
    """Write the image in each format; return the files."""
    side = round((megapixels * 1e6) ** 0.5)
    rng = np.random.default_rng(0)
    small_HWC = rng.integers(40, 216, (side // 50, side // 50, 3)).astype(np.uint8)
    pixels_HWC = cv2.resize(small_HWC, (side, side), interpolation=cv2.INTER_CUBIC)
    pixels_HWC += rng.integers(0, 8, (side, 1, 1), np.uint8)
    files = {name: folder / f"large.{name}" for name in FORMATS}
    Image.fromarray(pixels_HWC).save(files["png"], compress_level=1)
    Image.fromarray(pixels_HWC).save(files["jpeg"], quality=90)
    Image.fromarray(pixels_HWC[..., 0].astype(np.uint16) * 16).save(files["tiff"])
    return files


def peak_mib() -> float:
    """Return the peak resident memory of this process; unlike `ru_maxrss` it knows nothing of the parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def decode_copies(path: Path, threads: int, *, bounded: bool) -> tuple[float, float]:
    """Decode a file once per thread; return by how many MiB the peak grew, and the seconds."""
    if not bounded:
        opening._IN_FLIGHT = opening.PixelBudget(sys.maxsize)
    rules = DecodeRules(levels=Levels(0, 4095, raw=True) if path.suffix == ".tiff" else None, max_megapixels=1e6)
    before, began = peak_mib(), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: decode(read_file(path), SIDE, SIDE, rules=rules), range(threads)))
    return peak_mib() - before, time.perf_counter() - began


def main() -> None:
    """Write the images, decode them in fresh processes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=100)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--child", nargs=3, metavar=("FILE", "THREADS", "BOUNDED"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        path, threads, bounded = chosen.child
        grown, seconds = decode_copies(Path(path), int(threads), bounded=bounded == "yes")
        print(f"{grown:.0f} {seconds:.1f}")
        return
    with tempfile.TemporaryDirectory() as directory:
        files = write_images(Path(directory), chosen.megapixels)
        for name in chosen.formats:
            path = files[name]
            print(f"{name}: {path.stat().st_size / 1e6:.0f} MB", flush=True)
            for threads in chosen.threads:
                for bounded in ("yes", "no"):
                    command = [sys.executable, __file__, "--child", str(path), str(threads), bounded]
                    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
                    print(f"  {threads} threads, bound {bounded:3}: {found[0]:>6} MiB, {found[1]} s", flush=True)


if __name__ == "__main__":
    main()
