"""A report with everything on it in a real browser: on a phone and on a desk, by day and by night."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from evaluation_pages import full_page
from PIL import Image

from vaeaug.evaluation.report import write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

NAMES = ["bag", "ankle boot", "x" * 70, "<script>document.title = 'run'</script>", "日本語", "t-shirt/top & more"]

PROBE = """<script>addEventListener("load", () => {
  const root = document.documentElement, box = document.querySelector(".summary").getBoundingClientRect();
  const pictures = [...document.images], shown = element => element.getBoundingClientRect().width > 0;
  const wide = [...document.querySelectorAll("main *, header *, footer *")].filter(
    element => !element.closest(".scroll, svg") && element.getBoundingClientRect().right > root.clientWidth + 1);
  parent.postMessage(JSON.stringify({width: innerWidth, height: innerHeight, beside_bar: root.clientWidth,
    content: root.scrollWidth,
    wide: wide.map(element => element.tagName + "." + element.className), top: box.top, bottom: box.bottom,
    paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
    pictures: pictures.length, loaded: pictures.filter(picture => picture.naturalWidth > 0 && shown(picture)).length,
    drawings: [...document.querySelectorAll(".plot svg, .maps svg, .sparks svg")].filter(shown).length,
    title: document.title}), "*");
});</script>"""


@dataclass(frozen=True)
class Browser:
    """A browser that shows one page.

    Attributes:
        page: the file.
        scratch: for its files.
    """

    page: Path
    scratch: Path

    def measure(self, width: int, height: int, *, dark: bool) -> dict[str, object]:
        """Return what a script in the page sees, which is in a frame: windows are never narrower than 500 pixels."""
        text = self.page.read_text(encoding="utf-8")
        assert text.count("default-src 'none'") == 1
        text = text.replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
        (self.scratch / "probed.html").write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
        (self.scratch / "frame.html").write_text(
            f'<!doctype html><iframe src="probed.html" width="{width}" height="{height}" frameborder="0"></iframe>'
            "<script>onmessage = event => { document.title = event.data }</script>",
            encoding="utf-8",
        )
        shown = self._run(self.scratch / "frame.html", "--dump-dom", "--virtual-time-budget=3000", dark=dark)
        found: dict[str, object] = json.loads(html.unescape(re.search(r"<title>(.*?)</title>", shown, re.S)[1]))  # type: ignore[index]
        return found

    def picture(self, *, dark: bool) -> Image.Image:
        """Return the untouched page as it is seen."""
        path = self.scratch / "screen.png"
        self._run(self.page, f"--screenshot={path}", "--window-size=1100,900", "--hide-scrollbars", dark=dark)
        with Image.open(path) as image:
            return image.convert("RGB")

    def _run(self, page: Path, *options: str, dark: bool) -> str:
        assert CHROMIUM is not None
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.scratch}/profile"]
        command += [*options, *(["--force-dark-mode"] if dark else []), page.as_uri()]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", timeout=120).stdout


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    scratch = tmp_path_factory.mktemp("browser")
    write_report(scratch / "report.html", full_page(NAMES))
    return Browser(scratch / "report.html", scratch)


def brightness(colour: object) -> float:
    red, green, blue = map(int, re.findall(r"\d+", str(colour))[:3])
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_cut_and_the_verdict_is_seen_first(browser: Browser, width: int, height: int, dark: bool) -> None:
    found = browser.measure(width, height, dark=dark)
    assert (found["width"], found["height"]) == (width, height)
    assert found["wide"] == []
    assert found["content"] == found["beside_bar"]
    assert found["top"] >= 0  # type: ignore[operator]
    assert found["bottom"] <= height  # type: ignore[operator]
    assert found["pictures"] == found["loaded"] == 2 * 12 + 3 * len(NAMES)
    # Ways to train with their axis, maps, and the objective and the KL divergence of each training.
    assert found["drawings"] == (len(NAMES) + 1) + (len(NAMES) + 1) + 2 * len(NAMES)
    assert found["title"] != "run"
    paper, ink = brightness(found["paper"]), brightness(found["ink"])
    assert (paper < 0.15 and ink > 0.85) if dark else (paper > 0.85 and ink < 0.15)


def test_it_is_dark_by_night_without_a_script(browser: Browser) -> None:
    for dark, paper in ((False, (255, 255, 255)), (True, (20, 22, 26))):
        picture = browser.picture(dark=dark)
        assert picture.getpixel((3, 3)) == paper
        assert picture.getpixel((1096, 896)) == paper
