"""Write the latent features of images."""
