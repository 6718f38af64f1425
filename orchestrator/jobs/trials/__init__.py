"""A job for each trial of an evaluation: they land as one, measured together."""
