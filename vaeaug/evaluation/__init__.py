"""Measures of synthetic images: utility for a classifier, fidelity, memorisation."""
