"""The best evaluations of a run, and what other seeds gave of them: the best by the mean, and the noise of targets."""
