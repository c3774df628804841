"""The Redis store: every facet in a Redis that Django's cache settings name."""
