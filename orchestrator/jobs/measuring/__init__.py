"""Measuring what jobs leave unmeasured, beside the controller."""
