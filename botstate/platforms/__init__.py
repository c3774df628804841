"""One package per chat platform; they know contracts, and nothing of each other or of the runtime."""
