"""A run that optimum-benchmark makes by itself, in an environment of its own."""
