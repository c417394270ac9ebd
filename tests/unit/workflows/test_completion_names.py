"""Completed images are called as their sources, and no two of them are one file."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from vaeaug.export.layout import collision_key
from vaeaug.workflows.inpaint.completion_names import base_names, completion_names, uncertainty_names

FORMATS = {
    "jpg": (".png",),
    "png": (".png", ".apng"),
    "tif": (".tif", ".tiff"),
    "TIFF": (".tif", ".tiff"),
    "bmp": (".png",),
}


@dataclass(frozen=True)
class _Format:
    suffixes: tuple[str, ...]


def _names(files: list[str], samples: int) -> dict[str, tuple[str, ...]]:
    formats = {name: _Format(FORMATS[name.rpartition(".")[2]]) for name in files}
    bases = base_names(files, samples, formats)
    return {name: completion_names(name, bases[name], formats[name].suffixes, samples) for name in files}


def test_a_name_is_kept_where_its_format_is() -> None:
    assert _names(["a/1.jpg", "a/2.png", "a/2.TIFF", "b.c/3.d.bmp"], 1) == {
        "a/1.jpg": ("a/1.png",),
        "a/2.png": ("a/2.png",),
        "a/2.TIFF": ("a/2.TIFF",),
        "b.c/3.d.bmp": ("b.c/3.d.png",),
    }
    assert _names(["a/1.jpg"], 2) == {"a/1.jpg": ("a/1-0.png", "a/1-1.png")}
    assert uncertainty_names("a/1", (0, 2)) == ("a/1-uncertainty.png", "a/1-uncertainty-page-3.png")


def test_two_files_of_one_stem() -> None:
    assert _names(["1.jpg", "1.png", "1.bmp", "1.tif"], 1) == {
        "1.jpg": ("1.jpg.png",),
        "1.png": ("1.png",),
        "1.bmp": ("1.bmp.png",),
        "1.tif": ("1.tif",),
    }


@given(
    st.sets(st.tuples(st.sampled_from(["a/1", "a/2", "b/1", "A/1"]), st.sampled_from(sorted(FORMATS))), min_size=1),
    st.integers(1, 3),
)
def test_no_two_files_have_one_name(parts: set[tuple[str, str]], samples: int) -> None:
    files = list({collision_key(f"{stem}.{suffix}"): f"{stem}.{suffix}" for stem, suffix in sorted(parts)}.values())
    written = [name for names in _names(files, samples).values() for name in names]
    assert len({collision_key(name) for name in written}) == len(files) * samples
