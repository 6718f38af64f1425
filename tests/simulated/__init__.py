"""The whole world of a run in one process: controllers, hosts, clocks, a shared file system, SLURM and its jobs."""
