"""What figures compute of evaluations, free of any way to draw it."""
