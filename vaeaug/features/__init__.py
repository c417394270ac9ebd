"""Latent features: what a trained encoder says of images, as tables and arrays."""
