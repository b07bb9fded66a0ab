"""What is kept and where: one directory, its catalogue, matrices and caches."""
