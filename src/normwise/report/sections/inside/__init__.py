"""What probes saw inside networks: a file a probe, with what a page shows and what it folds."""
