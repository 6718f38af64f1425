"""Methods that propose whole batches of points from what the values of targets are computed from."""
