"""Synthetic images into dataset directories: extend a dataset, or sample a model."""
