"""Evaluate whether synthetic images help a classifier."""
