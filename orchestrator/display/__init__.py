"""What a person at a terminal and a log file see of a run."""
