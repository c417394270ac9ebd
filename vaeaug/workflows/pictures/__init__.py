"""Pictures for people: the path between two images, and what each latent does."""
