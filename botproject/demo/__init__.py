"""`python -m botproject.demo`: Slack, played over real HTTP to a site and a worker that are real processes."""
