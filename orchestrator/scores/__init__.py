"""Scoring datastores and runs again."""
