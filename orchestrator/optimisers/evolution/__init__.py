"""What evolutionary methods have in common: domination, variation, reference directions, populations."""
