"""Reports in a real browser: on a phone and on a desktop, in light and dark mode, with few and many classes."""

from __future__ import annotations

import functools
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_pages import full_page, history
from PIL import Image

from vaeaug.pages.class_samples import SampleRow
from vaeaug.pages.dataset_report import ReportData, write_report
from vaeaug.pages.embedded_images import PageImage

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")

MAX_WAIT = 120_000
"""Milliseconds for a page to load while all cores are busy with other tests."""

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

NAMES = ["bag", "ankle boot", "x" * 70, "<script>document.title = 'run'</script>", "日本語", "t-shirt/top & more"]

PROBE = """() => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
  const root = document.documentElement, box = document.querySelector(".summary").getBoundingClientRect();
  const pictures = [...document.images], shown = element => element.getBoundingClientRect().width > 0;
  const wide = [...document.querySelectorAll("main *, header *, footer *")].filter(
    element => !element.closest(".scroll, svg") && element.getBoundingClientRect().right > root.clientWidth + 1);
  return {width: innerWidth, height: innerHeight, beside_bar: root.clientWidth, content: root.scrollWidth,
    wide: wide.map(element => element.tagName + "." + element.className), top: box.top, bottom: box.bottom,
    paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
    pictures: pictures.length, loaded: pictures.filter(picture => picture.naturalWidth > 0 && shown(picture)).length,
    drawings: [...document.querySelectorAll(".plot svg, .maps svg, .charts svg[role=img]")].filter(shown).length,
    title: document.title, scripts: document.scripts.length, text: document.body.textContent};
}"""

THUMBNAILS = """() => [...document.querySelectorAll(".class")].map(section => ({
  label: section.querySelector("h3").firstChild.textContent.trim(), note: section.textContent,
  images: [...section.querySelectorAll("img")].map(image => {
    const box = image.getBoundingClientRect();
    return {width: box.width, height: box.height, ratio: image.naturalWidth / image.naturalHeight,
      visible: image.checkVisibility({visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true}),
      pixelated: getComputedStyle(image).imageRendering == "pixelated", href: image.closest("a").getAttribute("href")};
  })}))"""
"""What is seen of each class as the page opens, nothing unfolded."""


@dataclass
class Shown:
    """A page in a browser.

    Attributes:
        page: what drives it.
        asked: addresses of all that it asked for but itself; none was answered.
        complaints: errors and warnings of the console, and of scripts.
    """

    page: Any
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The Chromium of this machine, else Playwright's own."""
    with sync_api.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=CHROMIUM)
        except sync_api.Error as error:
            if CHROMIUM is not None or "Executable doesn't exist" not in str(error):
                raise
            pytest.skip("needs Chromium: install it, or run: playwright install chromium")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("browser") / "report.html"
    write_report(path, full_page(NAMES))
    return path


def show(browser: Any, path: Path, width: int, height: int, *, dark: bool = False, scripts: bool = True) -> Shown:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        is_mobile=width < 500,
        java_script_enabled=scripts,
    )
    context.set_default_timeout(MAX_WAIT)
    shown = Shown(context.new_page())

    def answer(route: Any) -> None:
        if route.request.url == path.as_uri():
            route.continue_()
        else:
            shown.asked.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    shown.page.on("console", lambda message: shown.complaints.append(message.text))
    shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    shown.page.goto(path.as_uri())
    return shown


def brightness(colour: str) -> float:
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1400, 900)])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_cut_and_the_verdict_is_seen_first(
    browser: Any, report: Path, width: int, height: int, dark: bool
) -> None:
    shown = show(browser, report, width, height, dark=dark)
    header = shown.page.inner_text("header").split("\n")
    assert header[0] == NAMES[0]
    assert next(line for line in header[1:] if line).lower() == "helps"
    found = shown.page.evaluate(PROBE)
    assert (found["width"], found["height"]) == (width, height)
    assert found["wide"] == []
    assert found["content"] == found["beside_bar"]
    assert 0 <= found["top"] < found["bottom"] <= height
    # Seven pairs of each class, the closest pairs, and three dropped samples of each class.
    assert found["pictures"] == found["loaded"] == 2 * 7 * len(NAMES) + 2 * 12 + 3 * len(NAMES)
    # Dot plots with their axis, maps, and charts of the objective and the KL divergence of each training.
    assert found["drawings"] == (len(NAMES) + 1) + (len(NAMES) + 1) + 2 * len(NAMES)
    assert found["title"] != "run"
    assert found["scripts"] == 0
    assert all(name in found["text"] for name in NAMES)
    paper, ink = brightness(found["paper"]), brightness(found["ink"])
    assert (paper < 0.15 and ink > 0.85) if dark else (paper > 0.85 and ink < 0.15)
    assert shown.asked == shown.complaints == []


def test_it_is_dark_by_night_without_a_script(browser: Any, report: Path) -> None:
    for dark, paper in ((False, (255, 255, 255)), (True, (20, 22, 26))):
        shown = show(browser, report, 1100, 900, dark=dark, scripts=False)
        with Image.open(io.BytesIO(shown.page.screenshot())) as image:
            picture = image.convert("RGB")
        assert picture.size == (1100, 900)
        assert picture.getpixel((3, 3)) == paper
        assert picture.getpixel((1096, 896)) == paper


def test_what_must_not_be_would_be_noticed(browser: Any, report: Path, tmp_path: Path) -> None:
    bad = (
        '<div style="width: 3000px">wide</div><img src="https://example.org/x.png"><script>console.error("no")</script>'
    )
    text = report.read_text(encoding="utf-8")
    assert text.count("default-src 'none'; img-src data:") == 1
    path = tmp_path / "bad.html"
    path.write_text(text.replace("</header>", bad + "</header>"), encoding="utf-8")
    shown = show(browser, path, 1280, 800)
    assert shown.asked == []  # the page itself forbids it
    assert sum("Content Security Policy" in complaint for complaint in shown.complaints) == 2
    allowed = text.replace("default-src 'none'; img-src data:", "default-src * 'unsafe-inline'")
    path.write_text(allowed.replace("</header>", bad + "</header>"), encoding="utf-8")
    shown = show(browser, path, 1280, 800)
    assert shown.asked == ["https://example.org/x.png"]
    assert "no" in shown.complaints
    found = shown.page.evaluate(PROBE)
    assert found["wide"] == ["DIV."]
    assert found["content"] > found["beside_bar"]


def photo(path: Path, width: int, height: int, mode: str = "RGB") -> Path:
    """Write an image with a gradient, transparent on the left if its mode has alpha."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gradient(path.suffix[1:], width, height, mode))
    return path


@functools.cache
def gradient(file_format: str, width: int, height: int, mode: str) -> bytes:
    ramp_HW = np.linspace(0, 255, width, dtype=np.uint8)[None, :].repeat(height, axis=0)
    stream = io.BytesIO()
    Image.merge(mode, [Image.fromarray(ramp_HW)] * len(mode)).save(stream, file_format)
    return stream.getvalue()


SIZES = [(512, 341), (300, 500), (1600, 200), (160, 160), (28, 28), (20, 60), (90, 120)]
"""A landscape, a portrait, a panorama, one of the size at which it is shown, and small ones."""


def report_of(folder: Path, classes: int) -> Path:
    """Write a report whose images are files beside it, with names that an address must escape."""
    rows = []
    for number in range(classes):
        images = []
        for kind in ("synthetic", "real"):
            names = [f"train/a#%/{number} {kind} {w}x{h}.webp" for w, h in SIZES]
            files = [photo(folder / name, *size) for name, size in zip(names, SIZES, strict=True)]
            images.append([PageImage(path, name) for path, name in zip(files, names, strict=True)])
        rows.append(SampleRow(f"class {number}", *images, synthetic_count=64, real_count=40))
    histories = [history(row.label) for row in rows]
    data = ReportData("out", "Done.", [], rows, nearest=True, histories=histories)
    write_report(folder / "report.html", data)
    return folder / "report.html"


@pytest.fixture(scope="module")
def sized_reports(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Number of classes -> a report of so many."""
    return {count: report_of(tmp_path_factory.mktemp("sizes"), count) for count in (3, 60)}


@pytest.mark.parametrize(("classes", "each"), [(3, 7), (60, 4)])
@pytest.mark.parametrize("width", [390, 1400])
def test_every_class_shows_images_at_their_own_proportions(
    browser: Any, sized_reports: dict[int, Path], classes: int, each: int, width: int
) -> None:
    path = sized_reports[classes]
    shown = show(browser, path, width, 900)
    sections = shown.page.evaluate(THUMBNAILS)
    assert [section["label"] for section in sections] == [f"class {number}" for number in range(classes)]
    for section in sections:
        assert f"{each} of 64 shown" in section["note"]
        images = section["images"]
        assert len(images) == 2 * each
        for image, (natural_width, natural_height) in zip(images[::2], SIZES, strict=False):
            assert image["visible"]
            assert 90 <= max(image["width"], image["height"]) <= 160
            assert image["width"] / image["height"] == pytest.approx(natural_width / natural_height, rel=0.05)
            assert image["ratio"] == pytest.approx(natural_width / natural_height, rel=0.05)
            assert image["pixelated"] == (max(natural_width, natural_height) <= 80)
    found = shown.page.evaluate(PROBE)
    assert found["wide"] == []
    assert found["content"] == found["beside_bar"]
    assert path.stat().st_size < 3_000_000


def test_a_click_opens_the_file_of_a_large_image_and_enlarges_a_small_one(browser: Any, tmp_path: Path) -> None:
    path = report_of(tmp_path, 1)
    page = show(browser, path, 1400, 900).page
    large, small = (page.locator("img").nth(2 * SIZES.index(size)) for size in ((512, 341), (28, 28)))
    address = large.locator("xpath=..").evaluate("link => link.href")
    assert address == (tmp_path / "train/a#%/0 synthetic 512x341.webp").as_uri()
    before = page.evaluate("scrollY")
    small.click()
    box = small.bounding_box()
    assert box["width"] == box["height"] > 700
    assert page.locator(":target").inner_text() == "0 synthetic 28x28.webp, 28 x 28 pixels"
    assert page.locator(":target .about a").evaluate("link => link.href").endswith("/0%20synthetic%2028x28.webp")
    page.get_by_role("link", name="Close").focus()
    page.keyboard.press("Enter")
    assert small.bounding_box()["width"] == 140
    assert page.evaluate("scrollY") == before
    large.locator("xpath=..").focus()  # focused after a key, so the focus is visible
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_charts_have_readable_axes_and_legends(browser: Any, sized_reports: dict[int, Path]) -> None:
    for width in (390, 1400):
        page = show(browser, sized_reports[3], width, 900).page
        charts = page.locator(".chart")
        assert charts.count() == 6
        for number in range(6):
            words = charts.nth(number).locator("text").all_text_contents()
            assert {"training", "validation", "training step"} <= set(words)
            assert words[-1] == ("loss per image" if number < 3 else "nats per image")
            ticks = [word for word in words if word.replace(".", "").isdigit()]
            assert len(ticks) >= 4
        heights = page.eval_on_selector_all(".chart text", "all => all.map(text => text.getBoundingClientRect())")
        assert min(max(box["height"], 0) for box in heights) >= 10


def test_transparency_shows_on_a_checkerboard_in_both_modes(browser: Any, tmp_path: Path) -> None:
    files = [photo(tmp_path / "a.png", 40, 40, "RGBA"), photo(tmp_path / "b.webp", 400, 400, "RGBA")]
    row = SampleRow("icons", [PageImage(path, path.name) for path in files], [], 2)
    write_report(tmp_path / "report.html", ReportData("out", "Done.", [], [row]))
    for dark in (False, True):
        page = show(browser, tmp_path / "report.html", 1400, 900, dark=dark).page
        with Image.open(io.BytesIO(page.locator("img").first.screenshot())) as image:
            left = {image.convert("RGB").getpixel((x, y)) for x in range(3, 20) for y in range(3, 40)}
        assert len(left) >= 2
        assert min(min(colour) for colour in left) > 180
