"""Anomaly scores: how anomalous an image, a pixel or a label is under a trained model."""
