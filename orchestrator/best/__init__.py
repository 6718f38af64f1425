"""What a run has found: its best parameters, put into a model's own files, and evaluated again under other seeds."""
