"""What layers compute, so that XLA runs it fast and right; for which: ``lowered_layers``."""
