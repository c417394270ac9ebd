"""Latent features of a trained encoder, as tables and arrays."""
