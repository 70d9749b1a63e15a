"""What layers compute, written so that XLA runs it fast and right; ``lowering`` says for which."""
