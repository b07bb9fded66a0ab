"""Shapes below everything: rows, ragged rows, and named arrays in checksummed files."""
