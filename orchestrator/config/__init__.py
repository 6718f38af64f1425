"""What a user may write, read from a file and validated."""
