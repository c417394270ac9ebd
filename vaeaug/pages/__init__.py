"""HTML pages and pictures for people to look at."""
