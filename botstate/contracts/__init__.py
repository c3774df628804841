"""What the layers promise each other: stores, platforms, events and messages. No I/O, no Django models."""
