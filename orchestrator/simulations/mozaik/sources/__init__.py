"""What the Python source of a model's scripts and experiments says; nothing of it is executed."""
