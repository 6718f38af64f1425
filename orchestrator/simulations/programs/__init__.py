"""Simulations that are programs of their own: how they are prepared, launched and understood."""
