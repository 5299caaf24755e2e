"""One question a file; each prints one table and keeps it as JSON in `results/`."""
