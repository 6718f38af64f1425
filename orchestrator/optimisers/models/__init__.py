"""Models of what a simulation gives, learnt from the evaluations so far, which propose where to look next."""
