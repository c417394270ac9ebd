"""Which samples are kept."""

from vaeaug.synthesis.filters.judge import CAUSES, Fold, Judge

__all__ = ["CAUSES", "Fold", "Judge"]
