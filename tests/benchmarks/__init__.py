"""Benchmarks: each module has a `run()` that prints what it measures beside a named reference or aim."""
