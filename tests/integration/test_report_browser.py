"""A report with everything on it in a real browser: on a phone and on a desk, by day and by night."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from evaluation_pages import full_page
from PIL import Image

from vaeaug.evaluation.report import write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")

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
    drawings: [...document.querySelectorAll(".plot svg, .maps svg, .sparks svg")].filter(shown).length,
    title: document.title, scripts: document.scripts.length, text: document.body.textContent};
}"""


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


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
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
    assert found["pictures"] == found["loaded"] == 2 * 12 + 3 * len(NAMES)
    # Ways to train with their axis, maps, and the objective and the KL divergence of each training.
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
