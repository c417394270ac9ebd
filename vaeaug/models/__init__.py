"""A trained model on disk: JSON and safetensors."""
