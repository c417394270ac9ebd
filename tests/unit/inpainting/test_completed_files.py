"""Files of every kind are written again with other pixels in their holes, and nothing else in them changes."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from file_kinds import CHANGED, KEPT, Maker, exif, indexed, noise, saved, swapped_profile, tiff
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from vaeaug.dataset.decode import decode_full, decode_upright
from vaeaug.dataset.mark import read_mark
from vaeaug.dataset.opening import UnreadableImageError
from vaeaug.dataset.traits import read_traits
from vaeaug.export.source_type import SourceType, xmp
from vaeaug.inpainting.files.animation import check_later_frames
from vaeaug.inpainting.files.opening import CompletedFile, open_completed
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.xmp import merged
from vaeaug.inpainting.picture import read_picture

MARK = Provenance(
    {"Software": "vaeaug", "vaeaug:synthetic": "partly", "vaeaug:class": "caf\u00e9"},
    xmp(SourceType.COMPOSITE, {"synthetic": "partly", "class": "caf\u00e9"}),
)
SHAPES = st.tuples(st.integers(5, 40), st.integers(5, 40), st.integers(0, 2**32 - 1))


def _completed(data: bytes, seed: int = 0) -> tuple[CompletedFile, NDArray[np.bool_], bytes]:
    """The file, an upright hole in its first page, and the file with that filled."""
    file = open_completed(data)
    samples = file.samples(0)
    shape = samples.values_HWS.shape[:2]
    height, width = shape[::-1] if samples.orientation > 4 else shape
    rng = np.random.default_rng(seed)
    hole = rng.random((height, width)) < 0.3
    hole[height // 2, width // 2] = True
    filled = samples.filled(hole, rng.random((height, width, 3), dtype=np.float32))
    return file, hole, file.rewritten({0: filled}, MARK)


def _shown(data: bytes) -> NDArray[Any]:
    """The pixels of the first page as Pillow decodes them, upright."""
    image = decode_upright(data)
    image = image.convert("RGBA") if image.mode == "P" or "transparency" in image.info else image
    return np.asarray(image.convert("L") if image.mode == "1" else image)


def _frames(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as image:
        frames = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(image.mode.encode() + image.tobytes())
    return frames


@pytest.mark.parametrize("kind", KEPT)
@settings(max_examples=4, deadline=None)
@given(shape=SHAPES)
def test_visible_pixels_and_the_kind_of_file_stay(kind: str, shape: tuple[int, int, int]) -> None:
    height, width, seed = shape
    data = KEPT[kind](np.random.default_rng(seed), height, width)
    file, hole, out = _completed(data, seed)
    before, after = file.samples(0), open_completed(out).samples(0)
    stored_hole = _stored(hole, before.orientation)
    assert after.values_HWS.dtype == before.values_HWS.dtype
    assert np.array_equal(after.values_HWS[~stored_hole], before.values_HWS[~stored_hole])
    assert np.array_equal(_shown(out)[~hole], _shown(data)[~hole])
    old, new = read_traits(data), read_traits(out)
    if kind not in ("webp animation", "tiff jpeg"):  # their first frame or page is stored without loss now
        assert new == old
    assert new.frames == old.frames
    assert _frames(out)[1:] == _frames(data)[1:]
    with Image.open(io.BytesIO(data)) as one, Image.open(io.BytesIO(out)) as other:
        for name in ("dpi", "icc_profile", "gamma", "duration", "loop"):
            assert other.info.get(name) == one.info.get(name)
        assert dict(other.getexif()).get(0x010F) == dict(one.getexif()).get(0x010F)
        assert other.format == one.format
    assert file.rewritten({0: after.values_HWS}, MARK) == out


@pytest.mark.parametrize("kind", CHANGED)
@settings(max_examples=3, deadline=None)
@given(shape=SHAPES)
def test_other_kinds_become_lossless_files_that_look_the_same(kind: str, shape: tuple[int, int, int]) -> None:
    height, width, seed = shape
    data = CHANGED[kind](np.random.default_rng(seed), height, width)
    file, hole, out = _completed(data, seed)
    assert file.changed
    assert np.array_equal(_shown(out)[~hole], _shown(data)[~hole])
    assert np.array_equal(decode_full(out).eight_bit()[~hole], decode_full(data).eight_bit()[~hole])
    with Image.open(io.BytesIO(out)) as image:
        assert image.format == ("TIFF" if "CMYK" in kind else "PNG")
        with Image.open(io.BytesIO(data)) as source:
            assert image.info.get("icc_profile") == source.info.get("icc_profile")
            assert dict(image.getexif()).get(0x010F) == dict(source.getexif()).get(0x010F)
            for mine, theirs in zip(image.info.get("dpi", ()), source.info.get("dpi", ()), strict=True):
                assert mine == pytest.approx(theirs, abs=0.02)
    assert read_traits(out).orientation == 1
    assert not read_traits(out).lossy


@pytest.mark.parametrize(("kind", "maker"), (KEPT | CHANGED).items())
def test_a_filled_pixel_has_the_colour_that_was_asked_for(kind: str, maker: Maker) -> None:
    colour = np.array([0.2, 0.7, 0.4], dtype=np.float32)
    file = open_completed(maker(np.random.default_rng(1), 12, 9))
    picture = read_picture(file)
    hole = np.zeros(picture.size, dtype=bool)
    hole[3:6, 2:7] = True
    wanted = np.broadcast_to(colour, (*picture.size, 3))
    out = file.rewritten({0: picture.filled(hole, wanted)}, MARK)
    seen = decode_full(open_completed(out).view(0)).eight_bit()[hole]
    gray = float(colour @ [0.299, 0.587, 0.114])
    if picture.samples.table_K4 is not None:
        listed = [c for c in ((0, 0, 0), (250, 10, 10), (10, 250, 10), (30, 30, 250)) if (seen == c).all()]
        assert len(listed) == 1
    elif "1" in kind.split():
        assert set(seen.flat) == {255}
    elif picture.samples.space == "gray":
        assert np.abs(seen - 255 * gray).max() <= (
            255 / 3 / 2 if "2 bits" in kind else 255 / 15 / 2 if "4 bits" in kind else 1
        )
    else:
        assert np.abs(seen - 255 * colour).max() <= (6 if "LAB" in kind else 2)


@pytest.mark.parametrize(("kind", "maker"), (KEPT | CHANGED).items())
def test_every_completed_file_says_so(kind: str, maker: Maker) -> None:
    _, _, out = _completed(maker(np.random.default_rng(1), 12, 9))
    mark = read_mark(out)
    assert mark is not None, kind
    assert (mark.synthetic, mark.fields["class"]) == ("partly", "caf\u00e9")
    assert mark.source_type == "compositeWithTrainedAlgorithmicMedia"
    with Image.open(io.BytesIO(out)) as image:
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or (out if image.format == "GIF" else "")
        assert b"compositeWithTrained" in (packet if isinstance(packet, bytes) else str(packet).encode())


def test_a_file_that_is_completed_again_has_one_mark() -> None:
    for maker in (KEPT["png RGB"], KEPT["tiff RGB raw"], KEPT["gif"], KEPT["webp lossless"]):
        _, _, once = _completed(maker(np.random.default_rng(1), 12, 9))
        _, _, twice = _completed(once, 5)
        assert twice.count(b"compositeWithTrained") == 1
        assert twice.count(b"<x:xmpmeta") == 1


def _stored(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    turns = {1: 0, 3: 2, 6: 1, 8: 3}  # quarter turns back, counterclockwise
    return np.rot90(pixels, turns[orientation])


def test_texts_gamma_and_private_chunks_of_a_png_file() -> None:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text("Author", "somebody")
    chunks.add_text("vaeaug:class", "an older mark")
    chunks.add(b"gAMA", struct.pack(">I", 45455))
    chunks.add(b"prVa", b"safe to copy")
    chunks.add(b"prVA", b"not safe to copy")
    chunks.add(b"tIME", b"\x07\xe0\1\1\1\1\1")
    _, _, out = _completed(saved(noise(np.random.default_rng(0), 9, 7), "PNG", pnginfo=chunks))
    with Image.open(io.BytesIO(out)) as image:
        image.load()
        assert image.info["gamma"] == pytest.approx(0.45455)
        assert image.text["Author"] == "somebody"
        assert image.text["vaeaug:class"] == "caf\u00e9"
    assert b"prVa" in out
    assert b"prVA" not in out
    assert b"tIME" not in out


def test_an_interlaced_png_file_stays_interlaced() -> None:
    import zlib

    from vaeaug.inpainting.files.png import SIGNATURE, chunk
    from vaeaug.inpainting.files.png_rows import encoded_rows

    pixels = np.random.default_rng(0).integers(0, 256, (11, 13, 3), dtype=np.uint8)
    rows = encoded_rows(pixels, 8, indexed=False, interlaced=True)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 13, 11, 8, 2, 0, 0, 1))
    data = SIGNATURE + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    with Image.open(io.BytesIO(data)) as image:  # Pillow reads what was written
        assert np.array_equal(np.asarray(image), pixels)
    _, hole, out = _completed(data)
    with Image.open(io.BytesIO(out)) as image:
        assert image.info["interlace"] == 1
        assert np.array_equal(np.asarray(image)[~hole], pixels[~hole])


def test_pages_are_completed_one_by_one() -> None:
    rng = np.random.default_rng(0)
    data = KEPT["tiff pages"](rng, 10, 8)
    file = open_completed(data)
    assert file.pages == 3
    assert [decode_upright(file.view(page)).size for page in range(3)] == [(8, 10), (8, 13), (9, 20)]
    last = file.samples(2)
    hole = np.zeros(last.values_HWS.shape[:2], dtype=bool)
    hole[4:9] = True
    filled = last.filled(hole, np.zeros((*hole.shape, 3), dtype=np.float32))
    out = file.rewritten({2: filled}, MARK)
    assert _frames(out)[:2] == _frames(data)[:2]
    with Image.open(io.BytesIO(out)) as image:
        image.seek(2)
        assert np.array_equal(np.asarray(image)[~hole], last.values_HWS[..., 0][~hole])
        assert (np.asarray(image.convert("RGB"))[hole] == 0).all()
    assert read_mark(out) is not None


def test_what_a_hole_showed_is_not_left_in_a_tiff_file() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
    pixels[9:12] = np.frombuffer(b"a secret of thirty characters.", dtype=np.uint8)
    hole = np.zeros((40, 30), dtype=bool)
    hole[8:13] = True
    for compression in ("raw", "packbits"):
        data = saved(Image.fromarray(pixels), "TIFF", compression=compression)
        file = open_completed(data)
        out = file.rewritten({0: file.samples(0).filled(hole, np.zeros((40, 30, 1), dtype=np.float32))}, MARK)
        assert b"secret" in data
        assert b"secret" not in out


def test_a_thumbnail_in_exif_is_left_out() -> None:
    thumbnail = saved(noise(np.random.default_rng(1), 16, 16), "JPEG")
    offset = 8 + 2 + 12 + 4 + 2 + 2 * 12 + 4
    first = struct.pack("<HHHII", 1, 0x0112, 3, 1, 6) + struct.pack("<I", 8 + 2 + 12 + 4)
    second = struct.pack("<H", 2)
    second += struct.pack("<HHII", 513, 4, 1, offset) + struct.pack("<HHII", 514, 4, 1, len(thumbnail)) + bytes(4)
    data = b"Exif\0\0II*\0\x08\0\0\0" + first + second + thumbnail
    _, hole, out = _completed(saved(noise(np.random.default_rng(0), 9, 7), "JPEG", exif=data))
    assert hole.shape == (7, 9)
    assert thumbnail[20:60] not in out
    with Image.open(io.BytesIO(out)) as image:
        assert image.getexif()[0x0112] == 1
        assert not image.getexif().get_ifd(1)


def test_a_smaller_page_is_no_page_and_a_shared_strip_is_not_erased() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    fields = {256: ("I", [8]), 257: ("I", [8]), 258: ("H", [8]), 259: ("H", [1]), 262: ("H", [1]), 278: ("I", [8])}
    data = bytearray(tiff([fields, fields, fields | {254: ("I", [1])}], [[pixels.tobytes()]] * 3))
    file = open_completed(bytes(data))
    assert file.pages == 2
    with Image.open(io.BytesIO(data)) as image:
        first = image.tag_v2[273][0]
        image.seek(1)
        second = image.tag_v2[273][0]
    place = data.rindex(struct.pack("<HHII", 273, 4, 1, second)) + 8
    struct.pack_into("<I", data, place, first)  # the second page shows the strip of the first
    file, hole, out = _completed(bytes(data))
    assert np.array_equal(_shown(open_completed(out).view(1)), pixels)
    assert not np.array_equal(_shown(out)[hole], pixels[hole])


def test_an_animation_that_draws_changes_only_is_refused_where_its_holes_would_show() -> None:
    first = indexed(np.random.default_rng(0), 20, 16)
    second = first.copy()
    second.paste(1, (0, 0, 4, 4))
    data = saved(first, "GIF", save_all=True, append_images=[second], duration=50)
    file = open_completed(data)
    assert file.frames == 2
    hole = np.zeros((20, 16), dtype=bool)
    hole[10:15, 5:9] = True
    with pytest.raises(UnreadableImageError, match="would show in frame 2"):
        check_later_frames(file, file.samples(0), hole)
    still = open_completed(KEPT["apng"](np.random.default_rng(0), 20, 16))
    check_later_frames(still, still.samples(0), hole)


SOURCE = (
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    "<r:Description r:about='' xmlns:e='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' xmlns:tiff='urn:t'"
    " e:DigitalSourceType='http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture' tiff:Orientation='6'>"
    "<tiff:Make>Maker</tiff:Make></r:Description></r:RDF></x:xmpmeta>"
)


def test_a_packet_keeps_what_it_says_but_for_the_source_type() -> None:
    text = merged(SOURCE.encode(), MARK.packet, upright=True)
    assert "<tiff:Make>Maker</tiff:Make>" in text
    assert "tiff:Orientation='1'" in text
    assert "digitalCapture" not in text
    assert text.count("DigitalSourceType=") == 1
    assert "tiff:Orientation='6'" in merged(SOURCE.encode(), MARK.packet)
    assert merged(text.encode(), MARK.packet) == text
    assert "Maker" in merged(SOURCE.encode("utf-16"), MARK.packet)


@pytest.mark.parametrize("packet", [b"", b"no XML", b"<r:RDF>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + SOURCE.encode()])
def test_a_damaged_packet_is_dropped(packet: bytes) -> None:
    assert merged(packet, MARK.packet) == MARK.packet


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_damaged_files_are_refused_in_words(tail: bytes) -> None:
    heads = (b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8L", b"\xff\xd8\xff")
    for head in heads:
        with pytest.raises(UnreadableImageError):
            open_completed(head + tail).samples(0)


@pytest.mark.parametrize(("kind", "maker"), (KEPT | CHANGED).items())
def test_truncated_files_are_refused_or_read(kind: str, maker: Maker) -> None:
    data = maker(np.random.default_rng(1), 20, 17)
    for length in range(20, len(data), max(1, len(data) // 25)):
        try:
            samples = open_completed(data[:length]).samples(0)
        except UnreadableImageError:
            continue
        assert samples.values_HWS.shape[:2] in ((20, 17), (17, 20)), kind


def test_profiles_and_exif_of_webp() -> None:
    image = noise(np.random.default_rng(0), 9, 7)
    data = saved(image, "WEBP", lossless=True, exact=True, icc_profile=swapped_profile(), exif=exif(6))
    file, hole, out = _completed(data)
    assert hole.shape == (7, 9)
    with Image.open(io.BytesIO(out)) as again:
        assert again.info["icc_profile"] == swapped_profile()
        assert again.getexif()[0x0112] == 6
        assert again.getexif()[0x010F] == "Maker"
    assert not file.changed
