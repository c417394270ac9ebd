"""Which samples are kept."""

from vaeaug.synthesis.filters.classifier_filter import CAUSES, ClassifierFilter, Fold

__all__ = ["CAUSES", "ClassifierFilter", "Fold"]
