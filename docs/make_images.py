"""Make the pictures of the documentation anew: `python docs/make_images.py` (about a minute).

`docs/images/fashion.png` is the bundled sample dataset beside what `vaeaug augment` makes of it with its defaults. The
images are the first of each class, as they come: nobody chose them.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import vaeaug
from vaeaug.dataset.demo import write_demo
from vaeaug.pages.sheets import ContactRow, contact_sheet

IMAGES = Path(__file__).parent / "images"
COLUMNS = 8


def first(folder: Path, pattern: str) -> list[np.ndarray]:
    """Return the first images of a folder, uint8 (H, W, C)."""
    files = sorted(folder.glob(pattern))[:COLUMNS]
    return [np.atleast_3d(np.asarray(Image.open(file))) for file in files]


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as place:
        demo = write_demo(Path(place) / "fashion")
        made = vaeaug.augment(demo.directory, Path(place) / "fashion-extended", per_class=COLUMNS)
        train = made.out / "train"
        rows = [
            ContactRow(label, first(train / label, "[0-9]*.png"), first(train / label, "synthetic-*.png"))
            for label in demo.classes
        ]
    IMAGES.mkdir(exist_ok=True)
    # 64 colours are enough for gray images and two words, and halve the file.
    contact_sheet(rows, columns=COLUMNS).quantize(64, Image.Quantize.MAXCOVERAGE).save(
        IMAGES / "fashion.png", optimize=True
    )


if __name__ == "__main__":
    main()
