"""The posterior distribution of the parameters, given a run's evaluations: how far the data constrain each of them."""
