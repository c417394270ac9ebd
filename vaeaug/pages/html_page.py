"""Pages: a template of `templates/` becomes one file that loads nothing, runs no script and contains no time."""

from __future__ import annotations

import math
from itertools import count
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from vaeaug import __version__
from vaeaug.disk import write_atomic


def write_page(path: Path, template: str, **values: Any) -> None:
    """Write a page. The same values give the same bytes."""
    environment = Environment(
        loader=PackageLoader("vaeaug.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals["serial"] = count(1).__next__  # numbers the images of the page
    environment.filters.update(fixed=_fixed, percent=_percent, titled=_titled, typeset=_typeset)
    page = environment.get_template(template).render(version=__version__, **values)
    write_atomic(path, page.encode(errors="backslashreplace"))


def _fixed(value: float | None, digits: int) -> str:
    """Return a number with `digits` decimals, or a dash if there is none."""
    return "-" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _titled(text: str) -> str:
    return text[:1].upper() + text[1:]


def _typeset(text: str) -> str:
    """Return a sentence in which figures are not broken across lines."""
    between = "\N{NO-BREAK SPACE}\N{PLUS-MINUS SIGN}\N{NO-BREAK SPACE}"
    return text.replace(" +- ", between).replace(" %", "\N{NO-BREAK SPACE}%")
