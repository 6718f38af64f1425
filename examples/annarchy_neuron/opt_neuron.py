"""A script for CompNeuroPy's OptNeuron, which config.yaml takes as it is.

It is shortened from CompNeuroPy's example run_opt_neuron_from_data.py (MIT licence, Copyright (c) 2022 Oliver Maith).
"""

import numpy as np
from ANNarchy import Neuron
from CompNeuroPy import CompNeuroExp, CompNeuroSim, current_step, rmse
from CompNeuroPy.opt_neuron import OptNeuron

neuron = Neuron(
    parameters="""
        I_app = 0
        a = 0
        b = 0
    """,
    equations="r = a * I_app + b",
)
# measured by the same experiment: two steps of current to 5 and 10 after 500 ms, a sample a millisecond
measured = np.full((2, 1000), 2.0)
measured[0, 500:] = 6.0
measured[1, 500:] = 10.0


class Steps(CompNeuroExp):
    """Two steps of current, from the same state."""

    def run(self, population_name):
        """Simulate both, and return what was recorded."""
        self.monitors.start()
        step = CompNeuroSim(
            simulation_function=current_step,
            simulation_kwargs={"pop": population_name, "t1": 500, "t2": 500, "a1": 0, "a2": 5},
            kwargs_warning=False,
            monitor_object=self.monitors,
        )
        step.run()
        self.reset()
        step.run({"a2": 10})
        self.data["population_name"] = population_name
        return self.results()


def get_loss(results_ist, results_soll):
    """Return the root mean square errors of the two recordings; the neuron is always that of rank 0."""
    name = f"{results_ist.data['population_name']};r"
    return [rmse(results_soll[chunk], results_ist.recordings[chunk][name][:, 0]) for chunk in (0, 1)]


if __name__ == "__main__":
    OptNeuron(
        experiment=Steps,
        get_loss_function=get_loss,
        variables_bounds={"a": [-50, 100], "b": [-50, 150]},
        neuron_model=neuron,
        results_soll=measured,
        time_step=1,
        record=["r"],
    ).run(max_evals=100)
