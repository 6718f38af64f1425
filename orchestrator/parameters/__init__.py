"""Named numbers: expressions of them, and what a simulation gets of what is searched."""
