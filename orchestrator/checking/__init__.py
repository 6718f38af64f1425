"""What `orchestrator check` looks at besides the configuration itself: costs, disk, scripts, the cluster, a node."""
