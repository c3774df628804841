"""How fast the stores are: `make bench` and `make bench-peers`. See docs/benchmarks.md."""
