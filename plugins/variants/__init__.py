"""Kinds of autoencoder, one file each."""
