"""Reading pickled recordings without executing anything that is in them."""
