"""Processor time per written edit of a real image, with the memory of sources and without it.

    python tests/benchmarks/edits.py --sides 64 256 768

For each side the script draws 24 images and makes 48 edits of them, each with the detail of four other images, as the
sampler `residual` does: every edit is computed for the filter first and encoded as a file of its source's format then.
`photographs` vary everywhere and are JPEG files, `icons` have a white background and are PNG files. With the memory,
sources are decoded once and an edit is kept until it is written; without it every use decodes and computes again. Both
give the same bytes, which is checked. One thread; medians of `--repeats` runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vaeaug.dataset.cache import build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.scan import scan
from vaeaug.export.class_format import class_formats
from vaeaug.export.writer import sample_encoding, sample_file
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.edit import AddedDetail, Edit
from vaeaug.synthesis.pixel_limits import PixelLimits, pixel_limits
from vaeaug.synthesis.source_images import SourceImages

IMAGES, EDITS, OTHERS, MODEL_SIDE = 24, 48, 4, 64
LABEL = "class"


def photograph(side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return smooth shades with fine grain, uint8 (H, W, 3)."""
    coarse_HWC = rng.uniform(30, 225, (6, 6, 3)).astype(np.float32)
    shades_HWC = cv2.resize(coarse_HWC, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(shades_HWC + rng.normal(0, 6, shades_HWC.shape), 0, 255).astype(np.uint8)


def icon(side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a few disks on white, uint8 (H, W, 3)."""
    image_HWC = np.full((side, side, 3), 255, np.uint8)
    for _ in range(3):
        centre = tuple(int(value) for value in rng.uniform(0.3, 0.7, 2) * side)
        colour = tuple(int(value) for value in rng.integers(20, 220, 3))
        cv2.circle(image_HWC, centre, int(rng.uniform(0.1, 0.25) * side), colour, -1, cv2.LINE_AA)
    return image_HWC


KINDS = {"photographs": (photograph, ".jpg"), "icons": (icon, ".png")}


def write_data(data: Path, kind: str, side: int) -> list[Path]:
    """Write the images of a kind as a dataset of one class; return the files."""
    draw, suffix = KINDS[kind]
    rng = np.random.default_rng(side)
    (data / LABEL).mkdir(parents=True)
    paths = [data / LABEL / f"{number:03}{suffix}" for number in range(IMAGES)]
    for path in paths:
        Image.fromarray(draw(side, rng)).save(path)
    return paths


def make_edits(paths: list[Path], limits: PixelLimits, images: SourceImages) -> tuple[Edit, ...]:
    """Return the edits, always the same ones; decoded images are random."""
    rng = np.random.default_rng(0)

    def decoded() -> NDArray[np.float32]:
        return rng.uniform(0.3, 0.7, (MODEL_SIDE, MODEL_SIDE, 3)).astype(np.float32)

    edits = []
    for number in range(EDITS):
        others = tuple(paths[place] for place in rng.permutation(IMAGES)[:OTHERS])
        weights = rng.normal(0, 0.3, OTHERS)
        detail = AddedDetail(others, tuple((weights - weights.mean()).tolist()), 0.2 * decoded())
        edits.append(Edit(paths[number % IMAGES], decoded(), decoded(), 0.0, detail, limits, images))
    return tuple(edits)


def written(edits: tuple[Edit, ...], kind: object) -> tuple[float, list[bytes]]:
    """Compute all edits for the filter, then encode them; return milliseconds of processor time per edit, and files."""
    pixels_BHWC = np.zeros((EDITS, 1, 1, 1), np.uint8)
    began = time.process_time()
    chunk = SampleChunk(LABEL, 0, pixels_BHWC, tuple(str(edit.path) for edit in edits), "residual", edits)
    for edit in edits:
        edit.eight_bit()
    files = [sample_file(chunk, place, kind, sample_encoding(chunk, place, kind)) for place in range(EDITS)]  # type: ignore[arg-type]
    return (time.process_time() - began) / EDITS * 1000, files


def main() -> None:
    """Time all sides and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 256, 768])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    print("| kind | side | with the memory | without it |\n|---|---|---|---|")
    for kind in chosen.kinds:
        for side in chosen.sides:
            with tempfile.TemporaryDirectory() as directory:
                paths = write_data(Path(directory) / "data", kind, side)
                cache = build_cache(read_contents(scan(Path(directory) / "data")))
                limits = pixel_limits(cache.pixels_NHWC, np.arange(IMAGES))
                format_of_class = class_formats(cache)[LABEL]
                times: dict[bool, list[float]] = {True: [], False: []}
                files = {}
                for _ in range(chosen.repeats):
                    for remembered in (True, False):
                        images = SourceImages() if remembered else SourceImages(source_bytes=0, result_bytes=0)
                        spent, files[remembered] = written(make_edits(paths, limits, images), format_of_class)
                        times[remembered].append(spent)
                assert files[True] == files[False]
                medians = [float(np.median(times[remembered])) for remembered in (True, False)]
                print(f"| {kind} | {side} | {medians[0]:.1f} ms | {medians[1]:.1f} ms |", flush=True)


if __name__ == "__main__":
    main()
