"""A run for other programs: as a table, as a study of optuna, and as an RO-Crate to publish."""
