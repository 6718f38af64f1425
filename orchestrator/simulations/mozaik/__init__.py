"""Everything that knows mozaik's files."""
