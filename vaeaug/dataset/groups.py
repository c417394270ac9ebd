"""Images that belong together (of one patient, of one scene), by a column of a table or by their names."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Mapping

from vaeaug.dataset.index import DatasetIndex
from vaeaug.errors import InputError, quoted


def groups_of(index: DatasetIndex, group_by: str) -> dict[str, str]:
    """Return `file_name` -> the group of each real image.

    Args:
        group_by: a column of the table that lists the images, or a regular expression whose first group, or whole
            match, in `file_name` is the group.
    """
    names = [file.file_name for file in index.files if not file.synthetic]
    column = _column(index, group_by)
    found = _matches(names, group_by) if column is None else {name: column.get(name, "") for name in names}
    missing = [name for name in names if not found[name]]
    flag = f"--group-by {shlex.quote(group_by)}"
    if len(missing) == len(names) and column is None:
        raise InputError(
            f"{flag} is not a column of a table in {index.root}, and as a regular expression it matches no file "
            f"name (a file name is, for example, {names[0]!r})"
        )
    if missing:
        raise InputError(
            f"{flag} gives no group for {len(missing):,} of {len(names):,} images: {quoted(missing, 3)}; every "
            "image needs a group"
        )
    if len(set(found.values())) == 1:
        raise InputError(
            f"{flag} puts all images into one group, {found[names[0]]!r}; choose a column or an expression that "
            "separates them"
        )
    return found


def check_groups(index: DatasetIndex, groups: Mapping[str, str], group_by: str) -> None:
    """Raise InputError if a group (`file_name` -> group) has images in more than one split."""
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for file in index.files:
        if file.file_name in groups:
            splits[groups[file.file_name]].add(file.split)
    shared = sorted(group for group, where in splits.items() if len(where) > 1)
    if shared:
        noun = "1 group is" if len(shared) == 1 else f"{len(shared):,} groups are"
        raise InputError(
            f"with --group-by {shlex.quote(group_by)}, {noun} in more than one split: {quoted(shared, 3)}; move "
            "their images so that each group is in one split, or leave out --group-by"
        )


def _column(index: DatasetIndex, name: str) -> Mapping[str, str] | None:
    try:
        return index.column(name)
    except InputError:
        return None


def _matches(names: list[str], pattern: str) -> dict[str, str]:
    """Return what a regular expression finds in each name; empty if it finds nothing."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(
            f"--group-by {shlex.quote(pattern)} is neither a column of a table nor a valid regular expression: {error}"
        ) from None
    found = {}
    for name in names:
        match = compiled.search(name)
        found[name] = "" if match is None else (match[1] if compiled.groups else match[0]) or ""
    return found
