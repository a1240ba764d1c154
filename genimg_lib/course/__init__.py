"""The workshop: the map of the course, and what runs, lays out, checks and describes it."""
