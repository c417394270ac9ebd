"""A model's file may name code that its loss imports: nothing that came from elsewhere is imported unasked."""

from __future__ import annotations

from vaeaug.errors import InputError
from vaeaug.models.store import StoredModel


def require_consent(model: StoredModel, *, allow_imports: bool, flag: str) -> None:
    """Refuse to compute the loss of a model whose options name code to import (`option(..., imports=True)`).

    Whoever gives somebody a model could otherwise have any function called that is installed there. Options that name
    no code, such as a network of torchvision, need no consent. Whoever trains names the code himself.

    Args:
        model: the trained model.
        allow_imports: whether the user has consented.
        flag: how to consent, for the message.

    Raises:
        InputError: it names code, and there is no consent; the message says which.
    """
    if allow_imports:
        return
    for name, value in model.imports():
        raise InputError(
            f"{model.directory} was trained with the loss '{model.record.loss.name}', whose option {name} names code "
            f"to import and call: {value}; if you trust it, add {flag}"
        )
