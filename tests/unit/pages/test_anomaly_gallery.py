"""`gallery.html`: self-contained, safe with any name, and its pictures are the pixels they are said to be."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from vaeaug.pages.anomaly_gallery import MAX_ERROR, Gallery, GalleryCard, heat, resized_to_file, write_gallery
from vaeaug.pages.embedded_images import PageImage, Picture

NASTY = '<script>alert("x")</script> & \U0001f41d'


def _page(tmp_path: Path, **changes: object) -> str:
    pixels = np.arange(8 * 6, dtype=np.uint8).reshape(8, 6, 1)
    card = GalleryCard(NASTY, f"labelled {NASTY}", (Picture("image", PageImage(pixels)),), {"scaled error": "0.5"})
    values = {
        "title": NASTY,
        "summary": "2 images.",
        "by": "Ranked by something.",
        "images": 20,
        "anomalous": [card, card],
        **changes,
    }
    write_gallery(tmp_path / "gallery.html", Gallery(**values))
    return (tmp_path / "gallery.html").read_text(encoding="utf-8")


def test_no_name_becomes_markup_and_nothing_is_loaded(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in re.sub(r"<meta[^>]*>", "", page)
    assert set(re.findall(r'src="([^"]{15})', page)) == {"data:image/png;"}
    assert "default-src 'none'" in page


def test_pictures_are_the_pixels_and_have_words(tmp_path: Path) -> None:
    page = _page(tmp_path)
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(sources) == 2
    with Image.open(io.BytesIO(base64.b64decode(sources[0]))) as image:
        np.testing.assert_array_equal(np.asarray(image), np.arange(48).reshape(8, 6))
    assert page.count('alt="image of &lt;script') == 2


def test_sections_are_there_where_they_have_something_to_say(tmp_path: Path) -> None:
    assert "Suspicious labels" not in _page(tmp_path)
    assert "2 of 20 images shown" in _page(tmp_path)
    empty = _page(tmp_path, anomalous=[])
    assert "Most anomalous images" not in empty
    card = GalleryCard("a.png", "labelled a, looks like b", (), {"label surprise": "3"})
    both = _page(tmp_path, labels=[card], suspicious=1234)
    assert "1 of 1,234 shown" in both
    assert 'href="#labels"' in both


def test_the_same_data_give_the_same_page(tmp_path: Path) -> None:
    assert _page(tmp_path) == _page(tmp_path)


def test_larger_errors_are_brighter() -> None:
    colours = heat(np.array([[0.0, 0.1, 0.2, 0.3, 0.4, MAX_ERROR, 1.0]], dtype=np.float32))
    brightness = colours[0].astype(float) @ (0.299, 0.587, 0.114)
    assert (np.diff(brightness[:6]) > 0).all()
    assert colours[0, 0].tolist() == [0, 0, 0]
    assert colours[0, 5].tolist() == colours[0, 6].tolist()


def test_what_the_model_makes_has_the_proportions_of_the_file() -> None:
    square = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    assert resized_to_file(square, 24, 24) is square  # enlarged by a whole factor, as the file is
    assert resized_to_file(square, 300, 300).shape == (160, 160, 3)  # as large as the file is shown
    assert resized_to_file(square, 100, 400).shape == (40, 160, 3)
    assert resized_to_file(square[:, :, :1], 341, 512).shape == (107, 160, 1)
