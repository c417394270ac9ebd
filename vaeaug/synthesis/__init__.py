"""Where new latents come from."""
