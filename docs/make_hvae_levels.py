"""Make the picture of what each group of an `hvae` holds: `python docs/make_hvae_levels.py` (a minute or two).

`docs/images/hvae-levels.png` has a row for the first image of each class of the bundled sample dataset: the image, what
its latents decode to, and then what is left of it where only the coarsest groups are kept, from none to all but the
last, and the finer ones are drawn from the prior, three times.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

import vaeaug
from vaeaug.dataset.demo import write_demo
from vaeaug.training.batches import as_images, as_pixels

PICTURE = Path(__file__).parent / "images" / "hvae-levels.png"
DRAWS = 3
SCALE = 2
GAP, BETWEEN, TOP = 4, 20, 30


@torch.inference_mode()
def columns(model: vaeaug.Model, images_NHWC: np.ndarray) -> list[tuple[str, list[np.ndarray]]]:
    """Return (heading, columns of uint8 images (N, H, W, C)), from left to right; one image a class, in their order."""
    network = model.stored.network(0)
    x_BCHW, y_B = as_images(images_NHWC, torch.device("cpu")), torch.arange(len(images_NHWC))

    def pixels(latent: tuple[torch.Tensor, ...]) -> np.ndarray:
        return as_pixels(network.loss.image(network.variant.decode(latent, y_B)))

    kept = network.variant.encode(x_BCHW, y_B).latent
    generator = torch.Generator().manual_seed(0)
    shown = [("real", [images_NHWC]), ("all kept", [pixels(kept)])]
    for count in reversed(range(len(kept))):
        heading = "none" if count == 0 else "group 1" if count == 1 else f"groups 1 to {count}"
        drawn = [network.variant.prior(y_B, generator) for _ in range(DRAWS)]
        shown.append((f"{heading} kept", [pixels((*kept[:count], *each[count:])) for each in drawn]))
    return shown


def picture(parts: list[tuple[str, list[np.ndarray]]]) -> Image.Image:
    """Draw the columns under their headings, enlarged pixel for pixel."""
    count, height, width, _ = parts[0][1][0].shape
    cell_height, cell_width = height * SCALE + GAP, width * SCALE + GAP
    widths = [len(images) * cell_width + BETWEEN for _, images in parts]
    sheet = Image.new("RGB", (sum(widths), TOP + count * cell_height), "white")
    draw, font, left = ImageDraw.Draw(sheet), ImageFont.load_default(14), BETWEEN // 2
    for (heading, images), total in zip(parts, widths, strict=True):
        draw.text((left, 6), heading, (71, 85, 105), font)
        for column, image_NHWC in enumerate(images):
            for row, pixels in enumerate(image_NHWC):
                image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
                image = image.resize((width * SCALE, height * SCALE), Image.Resampling.NEAREST)
                sheet.paste(image, (left + column * cell_width, TOP + row * cell_height))
        left += total
    return sheet


def main() -> None:
    """Train a model on the sample dataset and write the picture."""
    with tempfile.TemporaryDirectory() as place:
        demo = write_demo(Path(place) / "fashion")
        model = vaeaug.train(demo.directory, Path(place) / "model", variant="hvae", scope="shared")
        files = [min((demo.directory / "train" / label).glob("*.png")) for label in model.classes]
        images_NHWC = np.stack([np.atleast_3d(np.asarray(Image.open(file))) for file in files])
        parts = columns(model, images_NHWC)
    PICTURE.parent.mkdir(exist_ok=True)
    picture(parts).quantize(64, Image.Quantize.MAXCOVERAGE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
