"""Simplices of evaluated points, of which the worst is moved (Nelder & Mead 1965, Computer Journal 7:308)."""
