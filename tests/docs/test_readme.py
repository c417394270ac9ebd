"""README.md has the commands that CI runs, and the pages name all plugins that are installed and no others."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import doc_pages
import pytest

from vaeaug import plugins
from vaeaug.workflows.samplers import find_sampler
from vaeaug.workflows.train_settings import SCOPES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHOICES = (ROOT / "docs/variants-and-losses.md").read_text(encoding="utf-8")
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")})


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    commands = re.findall(r"^<!-- (first|second) command -->\n```sh\n(.+)\n```$", README, flags=re.MULTILINE)
    assert [name for name, _ in commands] == ["first", "second"]
    first, second = (command for _, command in commands)
    assert first.startswith("python3 -m venv .venv && .venv/bin/pip install . && ")
    assert "vaeaug demo" in first
    assert "vaeaug augment" in first
    assert second.endswith(".venv/bin/pytest -n 2")
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "run_readme first" in script
    assert "run_readme second" in script


def test_the_table_names_what_is_installed_and_nothing_else() -> None:
    rows = re.findall(r"^\| (\w+) \| (.+?) \|", CHOICES, flags=re.MULTILINE)
    named = {row: re.findall(r"`([\w-]+)`", names) for row, names in rows}
    ours = [source for source in plugins.load().variants.values() if source.distribution == "vaeaug"]
    losses = [source for source in plugins.load().losses.values() if source.distribution == "vaeaug"]
    assert sorted(named["variants"]) == sorted(variant.name for variant in ours)
    assert sorted(named["losses"]) == sorted(loss.name for loss in losses)
    samplers = [source for source in plugins.load().samplers.values() if source.distribution == "vaeaug"]
    assert sorted(named["samplers"]) == sorted(sampler.name for sampler in samplers)
    assert sorted(named["scopes"]) == sorted(SCOPES)
    assert named["variants"][0] == next(variant.name for variant in ours if variant.cls.default)
    assert named["losses"][0] == next(loss.name for loss in losses if loss.cls.default)


def test_its_python_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    shorter = {"per_class=500": "per_class=2, steps=5, filter=False", "time_budget=60": "steps=5, scope='shared'"}
    assert all(code.count(long) == 1 for long in shorter)
    session = doc_pages.Session(tmp_path, shorter, classes=("bag", "sneaker"))
    session.run("sh", "vaeaug demo fashion\n")
    assert session.run("python", f"{code}\nprint(images.shape, images.dtype)") == "(16, 28, 28, 1) uint8\n"
    assert len(list((tmp_path / "fashion-extended/train/bag").iterdir())) == 62


def test_the_picture_is_small() -> None:
    (picture,) = re.findall(r"!\[.+?\]\((.+?)\)", README)
    assert (ROOT / picture).stat().st_size < 200_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_of_a_sampler_stand_beside_its_name(page: Path) -> None:
    """Without `--sampler` they are refused."""
    for span in re.findall(r"`([^`\n]*--set-sampler [a-z_]+=[^`\n]*)`", page.read_text(encoding="utf-8")):
        words = span.split()
        options = [words[place + 1].split("=") for place, word in enumerate(words) if word == "--set-sampler"]
        sampler = words[words.index("--sampler") + 1] if "--sampler" in words else "auto"
        assert find_sampler(sampler, dict(options), plugins.load()), span


def test_every_extra_it_installs_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r'"\.\[(\w+)\]"', README)) <= set(extras)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([\w-]+))?\)", text):
        target = (page.parent / link) if link else page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
            assert anchor in slugs, (link, anchor)
