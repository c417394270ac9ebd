"""Write the package of a new plugin: what `vaeaug plugins new` does. The texts are the files in `template/`."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from string import Template

from vaeaug import __version__
from vaeaug.errors import InputError
from vaeaug.plugins.listing import Listed
from vaeaug.plugins.names import is_name, to_name
from vaeaug.staging import check_output, staged

# What the templates import, and the classes they name: a new class may not hide one of these.
_RESERVED = {"Config", "GaussianVariant", "ImageSpec", "Iterable", "ReconstructionLoss", "Tensor", "Variant"}


@dataclass(frozen=True, slots=True)
class Written:
    """A package that was written.

    Attributes:
        directory: where it lies.
        name: what the variant or loss is called.
        files: its files, relative to `directory`.
    """

    directory: Path
    name: str
    files: tuple[str, ...]


def write_package(name: str, kind: str, directory: Path | None = None, taken: Iterable[Listed] = ()) -> Written:
    """Write a complete package that brings one variant or loss, or nothing at all.

    Args:
        name: what it is to be called; a leading `vaeaug-` is left out.
        kind: `variant` or `loss`.
        directory: where to write it: a path that does not exist, or an empty directory; `vaeaug-NAME` if none.
        taken: the plugins there are, so that the new one is not shadowed from the start.

    Raises:
        InputError: the name or the directory cannot be used.
        VaeaugError: the files cannot be written.
    """
    name = name.removeprefix("vaeaug-")
    package = _package(name, kind, taken)
    directory = Path(f"vaeaug-{name}") if directory is None else directory.expanduser()
    values = {
        "name": name,
        "kind": kind,
        "package": package,
        "distribution": f"vaeaug-{name}",
        "cls": _class_name(name, kind),
        "vaeaug_version": __version__,
    }
    files = {path: Template(text).substitute(values) for path, text in _templates(kind, package).items()}
    try:
        check_output(directory)
    except InputError as error:
        raise InputError(f"{error}: vaeaug plugins new {name} DIRECTORY") from None
    with staged(directory) as content:
        for path, text in files.items():
            target = content / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return Written(directory, name, tuple(sorted(files)))


def _package(name: str, kind: str, taken: Iterable[Listed]) -> str:
    """Return the import package for a name that can be used.

    Raises:
        InputError: it cannot.
    """
    if not is_name(name) or not name[0].isalpha():
        better = to_name(name).lstrip("0123456789-") or f"my-{kind}"
        raise InputError(
            f"{name!r} cannot be a name: lower case, words joined by hyphens, a letter first; try {better!r}"
        )
    for entry in taken:
        if name in (entry.name, entry.plugin):
            where = f"{entry.distribution} {entry.version}" if entry.distribution else entry.file
            raise InputError(f"the name {name!r} is taken by a plugin of {where}; the first to bring a name keeps it")
    package = f"vaeaug_{name.replace('-', '_')}"
    if find_spec(package) is not None:
        raise InputError(f"there is a Python package {package} in this environment already; choose another name")
    return package


def _class_name(name: str, kind: str) -> str:
    """Return the class's name: my-vae gives MyVAE; one that would hide another name gets the kind appended."""
    words = [word.upper() if word in {"vae", "vq", "kl"} else word.capitalize() for word in name.split("-")]
    cls = "".join(words)
    return f"{cls}{kind.capitalize()}" if cls in _RESERVED or keyword.iskeyword(cls) else cls


def _templates(kind: str, package: str) -> dict[str, str]:
    """Return path -> text of the files a package of that kind has."""
    places = {
        "common/pyproject.toml": "pyproject.toml",
        "common/README.md": "README.md",
        "common/gitignore": ".gitignore",
        f"{kind}/module.py": f"src/{package}/__init__.py",
        f"{kind}/test_module.py": f"tests/test_{package.removeprefix('vaeaug_')}.py",
    }
    root = resources.files("vaeaug.plugins") / "template"
    return {path: (root / f"{source}.tmpl").read_text(encoding="utf-8") for source, path in places.items()}
