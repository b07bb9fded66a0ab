"""From distances to one answer: how likely by chance, fused, proven by geometry."""
