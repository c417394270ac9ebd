"""Missing regions of images, completed by a trained model."""
