"""Reconstruction losses, one file each."""
