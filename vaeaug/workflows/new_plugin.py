"""The package of a new plugin, written by `vaeaug plugins new`. Its templates are in `plugin_template/`."""

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
from vaeaug.names import is_name, to_name
from vaeaug.plugins.listing import Listed
from vaeaug.staging import check_output, staged

# What the templates import, and the classes they name: a new class may not hide one of these.
_RESERVED = {
    "Config",
    "Draw",
    "GaussianVariant",
    "ImageSpec",
    "Iterable",
    "Latents",
    "ReconstructionLoss",
    "Sampler",
    "Tensor",
    "Variant",
}


@dataclass(frozen=True, slots=True)
class WrittenPackage:
    """A package that was written: its directory, the name of what it brings, and its files in the directory."""

    directory: Path
    name: str
    files: tuple[str, ...]


def write_package(
    name: str, kind: str, directory: Path | None = None, installed: Iterable[Listed] = ()
) -> WrittenPackage:
    """Write a complete package with one variant, loss or sampler, or write nothing.

    Args:
        name: a leading `vaeaug-` is removed.
        directory: a path that does not exist, or an empty directory; by default `vaeaug-NAME`.
        installed: the installed plugins, whose names are taken.

    Raises:
        InputError: if the name or the directory cannot be used.
        VaeaugError: if the files cannot be written.
    """
    name = name.removeprefix("vaeaug-")
    package = f"vaeaug_{name.replace('-', '_')}"
    _check_name(name, kind, package, installed)
    directory = Path(f"vaeaug-{name}") if directory is None else directory.expanduser()
    values = {
        "name": name,
        "kind": kind,
        "package": package,
        "distribution": f"vaeaug-{name}",
        "cls": _class_name(name, kind),
        "vaeaug_version": __version__,
    }
    sources = {
        "pyproject.toml": "common/pyproject.toml",
        "README.md": "common/README.md",
        ".gitignore": "common/gitignore",
        f"src/{package}/__init__.py": f"{kind}/module.py",
        f"tests/test_{name.replace('-', '_')}.py": f"{kind}/test_module.py",
    }
    try:
        check_output(directory)
    except InputError as error:
        raise InputError(f"{error}: vaeaug plugins new {name} DIRECTORY") from None
    templates = resources.files("vaeaug.workflows") / "plugin_template"
    with staged(directory) as content:
        for path, source in sources.items():
            text = (templates / f"{source}.tmpl").read_text(encoding="utf-8")
            (content / path).parent.mkdir(parents=True, exist_ok=True)
            (content / path).write_text(Template(text).substitute(values), encoding="utf-8")
    return WrittenPackage(directory, name, tuple(sorted(sources)))


def _check_name(name: str, kind: str, package: str, installed: Iterable[Listed]) -> None:
    if not is_name(name) or not name[0].isalpha():
        suggestion = to_name(name).lstrip("0123456789-") or f"my-{kind}"
        raise InputError(
            f"a name must be lower case words joined by hyphens and start with a letter, not {name!r}; "
            f"try {suggestion!r}"
        )
    for entry in installed:
        if name in (entry.name, entry.plugin):
            where = f"{entry.distribution} {entry.version}" if entry.distribution else entry.file
            raise InputError(f"the name {name!r} is taken by a plugin of {where}; choose another name")
    if find_spec(package) is not None:
        raise InputError(f"the Python package {package} already exists in this environment; choose another name")


def _class_name(name: str, kind: str) -> str:
    """Return the class's name: my-vae gives MyVAE; one that would hide another name gets the kind appended."""
    words = [word.upper() if word in {"vae", "vq", "kl"} else word.capitalize() for word in name.split("-")]
    cls = "".join(words)
    return f"{cls}{kind.capitalize()}" if cls in _RESERVED or keyword.iskeyword(cls) else cls
