"""Starting, continuing, carrying out and cancelling a run."""
