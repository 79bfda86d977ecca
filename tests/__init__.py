"""Tests: unit, integration, faults on real processes, browser; benchmarks print ratios."""
