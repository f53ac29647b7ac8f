"""Ours against named rivals, in one run: what BENCHMARKS.md says is printed here."""
