"""Is it chance? Null models, their tails, and many methods made one number."""
