"""A balanced network of conductance-based integrate-and-fire neurons, after Vogels and Abbott (2005) and Brunel (2000).

1,600 excitatory and 400 inhibitory neurons on a square of 4 x 4 degrees are connected at random (every neuron has the
same number of inputs of either kind) and driven by independent Poisson input.
"""

import numpy
from mozaik import load_component
from mozaik.connectors.fast import FixedKConnector
from mozaik.models import Model
from parameters import ParameterSet
from pyNN.connectors import Connector
from pyNN.nest.connectors import NESTConnectorMixin


class FixedInDegree(NESTConnectorMixin, Connector):
    """PyNN connector that leaves it to NEST to draw `k` inputs for every neuron."""

    parameter_names = ("k",)

    def __init__(self, k):
        Connector.__init__(self)
        self.k = k

    def connect(self, projection):
        rule = {"rule": "fixed_indegree", "indegree": self.k, "allow_autapses": False, "allow_multapses": False}
        nest = projection._simulator.nest
        nest.Connect(
            projection.pre.node_collection, projection.post.node_collection, rule, self.synapse_parameters(projection)
        )


class NativeFixedKConnector(FixedKConnector):
    """mozaik's FixedKConnector without its loop over the neurons: 0.1 s instead of 2.5 s for the whole network."""

    def _connect(self):
        self.proj = self.sim.Projection(
            self.source.pop,
            self.target.pop,
            FixedInDegree(self.parameters.k),
            synapse_type=self.init_synaptic_mechanisms(weights=self.parameters.weights, delays=self.parameters.delay),
            label=self.name,
            receptor_type=self.parameters.target_synapses,
        )


class BalancedNetwork(Model):
    """Excitatory and inhibitory sheet (`Exc`, `Inh`) with random connections within and between them."""

    required_parameters = ParameterSet(
        {
            "sheets": ParameterSet,  # `exc` and `inh`: component, params, and the connections that leave the sheet
            "spontaneous_duration": float,  # ms of activity that the protocol records
            "pynn_seed": int,  # of positions, connections and initial potentials
            "mpi_seed": int,  # of mozaik's own generator
        }
    )

    def __init__(self, sim, num_threads, parameters):
        Model.__init__(self, sim, num_threads, parameters)
        # The Poisson input and the connections are drawn by NEST: seeded before any node exists.
        sim.nest.SetKernelStatus({"rng_seed": self.parameters.pynn_seed})
        sheets = self.parameters.sheets
        exc = load_component(sheets.exc.component)(self, sheets.exc.params)
        inh = load_component(sheets.inh.component)(self, sheets.inh.params)
        # Scattered initial potentials (mV), or all neurons fire their first spikes together.
        rng = numpy.random.RandomState(self.parameters.pynn_seed)
        for sheet in (exc, inh):
            cell = sheet.parameters.cell.params
            sheet.pop.initialize(v=rng.uniform(cell.v_reset, cell.v_thresh, sheet.pop.size))

        for name, source, target, connection in (
            ("ExcExcConnection", exc, exc, sheets.exc.ExcExcConnection),
            ("ExcInhConnection", exc, inh, sheets.exc.ExcInhConnection),
            ("InhExcConnection", inh, exc, sheets.inh.InhExcConnection),
            ("InhInhConnection", inh, inh, sheets.inh.InhInhConnection),
        ):
            NativeFixedKConnector(self, name, source, target, connection).connect()
