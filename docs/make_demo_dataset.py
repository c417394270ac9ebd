"""Make the sample dataset that `vaeaug demo` writes, from the original Fashion-MNIST files.

    python docs/make_demo_dataset.py FASHION_MNIST_DIR vaeaug/demo/fashion-mnist.zip

FASHION_MNIST_DIR holds the four `*-ubyte.gz` files of https://github.com/zalandoresearch/fashion-mnist. The result is
the same to the byte for the same versions of NumPy, Pillow and zlib.
"""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

SEED = 20170825  # the day on which Fashion-MNIST was published
CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot")
SPLITS = {"train": ("train", 60), "test": ("t10k", 10)}  # split -> (prefix of the original files, images a class)

LICENSE = """The MIT License (MIT)

Copyright (c) 2017 Zalando SE, https://tech.zalando.com

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated \
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the \
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit \
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the \
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE \
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR \
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR \
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

README = f"""# A sample of Fashion-MNIST

700 real images of clothing, 28x28 pixels, gray: 60 training and 10 test images of each of 10 classes, in
`train/<class>/` and `test/<class>/`. From Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747),
https://github.com/zalandoresearch/fashion-mnist, MIT licence, (c) 2017 Zalando SE: see LICENSE.txt.

How it was chosen: for each class in the order of the original labels, first in the training set and then in the test
set, NumPy's `default_rng({SEED})` (one generator for all) draws without replacement. A file's name is the index of the
image in its original set, from 0. Pixels are unchanged. `docs/make_demo_dataset.py` of vaeaug does it.
"""


def main(source: Path, target: Path) -> None:
    """Write the zip."""
    generator = np.random.default_rng(SEED)
    with zipfile.ZipFile(target, "w") as archive:
        _add(archive, "LICENSE.txt", LICENSE.encode())
        _add(archive, "README.md", README.encode())
        for split, (prefix, count) in SPLITS.items():
            images = _idx(source / f"{prefix}-images-idx3-ubyte.gz", offset=16).reshape(-1, 28, 28)
            labels = _idx(source / f"{prefix}-labels-idx1-ubyte.gz", offset=8)
            for label, name in enumerate(CLASSES):
                for i in sorted(generator.choice(np.flatnonzero(labels == label), count, replace=False)):
                    _add(archive, f"{split}/{name}/{i:05}.png", _png(images[i]))


def _idx(path: Path, offset: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), dtype=np.uint8, offset=offset)


def _png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file with a fixed date; a PNG is compressed already."""
    method = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
    archive.writestr(zipfile.ZipInfo(name, date_time=(2017, 8, 25, 0, 0, 0)), content, compress_type=method)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
