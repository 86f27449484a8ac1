"""Benchmarks of the hot paths against hand-written SQL floors: `python -m benchmarks --help`."""
