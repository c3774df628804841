"""A process dies at every step of accepting an event, of a turn and of a delivery: every promise holds at each."""
