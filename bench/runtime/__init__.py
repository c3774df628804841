"""What the runtime costs: a site and a worker are started, events are sent to them, and their times are taken."""
