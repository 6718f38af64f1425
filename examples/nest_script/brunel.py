"""A sparse balanced network in NEST: a script of its own, which knows nothing of an optimiser.

python brunel.py PARAMETERS.json     writes returned.npz into the directory that it works in
"""

import json
import sys

import nest
import numpy as np

parameters = json.load(open(sys.argv[1]))
g, eta, seed = parameters["g"], parameters["eta"], parameters["seed"]
N_E, N_I, C_E, C_I, J, DELAY = 400, 100, 40, 10, 1.0, 1.5  # neurons, synapses per neuron, mV, ms
DURATION, WARM_UP, RECORDED = 500.0, 100.0, 100  # ms, ms, neurons
NEURON = {"tau_m": 20.0, "V_th": 20.0, "C_m": 1.0, "E_L": 0.0, "V_reset": 0.0, "V_m": 0.0, "t_ref": 2.0}

nest.rng_seed = seed
neurons = nest.Create("iaf_psc_delta", N_E + N_I, NEURON)
excitatory, inhibitory = neurons[:N_E], neurons[N_E:]
threshold_rate = NEURON["V_th"] / (J * C_E * NEURON["tau_m"])  # input per ms at which the mean is at threshold
noise = nest.Create("poisson_generator", {"rate": 1000.0 * eta * threshold_rate * C_E})
recorder = nest.Create("spike_recorder", {"start": WARM_UP})
nest.Connect(excitatory, neurons, {"rule": "fixed_indegree", "indegree": C_E}, {"weight": J, "delay": DELAY})
nest.Connect(inhibitory, neurons, {"rule": "fixed_indegree", "indegree": C_I}, {"weight": -g * J, "delay": DELAY})
nest.Connect(noise, neurons, "all_to_all", {"weight": J, "delay": DELAY})
nest.Connect(excitatory[:RECORDED], recorder)
nest.Simulate(DURATION)

times, senders = recorder.events["times"], recorder.events["senders"]
rate = 1000.0 * len(times) / RECORDED / (DURATION - WARM_UP)
if rate > 300:
    json.dump({"exploded": f"neurons fire at {rate:.0f} Hz"}, open("returned.json", "w"))
    sys.exit()
intervals = [np.diff(times[senders == sender]) for sender in np.unique(senders)]
cvs = [each.std() / each.mean() for each in intervals if len(each) > 2]
# numbers, and events that targets of spikes read
np.savez(
    "returned.npz",
    rate=rate,
    cv=np.mean(cvs) if cvs else [],
    **{"spikes.times": times, "spikes.labels": senders.astype(str)},
)
