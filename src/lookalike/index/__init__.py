"""Nearest neighbours over arrays; knows nothing of pictures."""
