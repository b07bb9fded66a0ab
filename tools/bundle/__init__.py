"""The parts of tools/build_models.py: where the weights come from and how they become the bundled files."""
