"""Coupled exponential integrate-and-fire neurons in Brian 2: a function that Brian's own Python calls."""

import numpy as np
from brian2 import Hz, Network, NeuronGroup, PopulationRateMonitor, SpikeMonitor, Synapses, defaultclock, ms, mV, prefs
from brian2 import seed as seed_of_brian

from orchestrator import Events, Exploded, NoValue, Trace

prefs.codegen.target = "numpy"  # no compiler on the nodes
N, DURATION = 100, 300 * ms


def simulate(parameters, directory):
    """Return the mean rate in Hz, the population's rate over time, and all spikes."""
    seed_of_brian(parameters["seed"])
    np.random.seed(parameters["seed"])
    defaultclock.dt = 0.2 * ms
    names = {"tau": 10 * ms, "drive": parameters["drive"] * mV, "noise": 3 * mV}
    neurons = NeuronGroup(
        N,
        "dv/dt = (drive - v) / tau + noise * xi * tau**-0.5 : volt (unless refractory)",
        threshold="v > 15 * mV",
        reset="v = 0 * mV",
        refractory=2 * ms,
        method="euler",
        namespace=names,
    )
    weight = -parameters["inhibition"] * mV
    synapses = Synapses(neurons, neurons, on_pre="v_post += weight", delay=1.5 * ms, namespace={"weight": weight})
    synapses.connect(p=0.1)
    spikes, population = SpikeMonitor(neurons), PopulationRateMonitor(neurons)
    Network(neurons, synapses, spikes, population).run(DURATION)
    rate = spikes.num_spikes / N / float(DURATION)
    if rate > 200:
        raise Exploded(f"neurons fire at {rate:.0f} Hz")
    if not spikes.num_spikes:
        raise NoValue("no neuron fires")
    smooth = population.smooth_rate(width=5 * ms) / Hz
    return {
        "rate": rate,
        "population": Trace(population.t / ms, smooth, "Hz"),
        "spikes": Events(spikes.t / ms, [str(i) for i in spikes.i]),
    }
