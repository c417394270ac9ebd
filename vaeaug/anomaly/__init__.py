"""Anomaly scores: how strange an image, a pixel or a label is to a trained model."""
