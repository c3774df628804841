"""The memory store: every facet in this process, for tests, demos and bots of one process."""
