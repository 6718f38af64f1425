"""Cheap evaluations in processes of this machine that stay up."""
