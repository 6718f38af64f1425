"""A small model of the early visual system: LGN, and layers 4 and 2/3 of primary visual cortex.

LGN cells with spatio-temporal receptive fields drive layer 4 through Gabor-shaped projections; within and between the
cortical sheets, excitation prefers neurons of like orientation and phase, inhibition those of like orientation and
opposite phase (push-pull). Layer 2/3 gets its input from layer 4.
"""

import numpy
from mozaik import load_component
from mozaik.connectors.meta_connectors import GaborConnector
from mozaik.connectors.modular import ModularSamplingProbabilisticConnector
from mozaik.models import Model
from mozaik.space import VisualRegion
from parameters import ParameterSet

ANNOTATIONS = ("LGNAfferentOrientation", "LGNAfferentPhase")


class VisualModel(Model):
    """LGN (`X_ON`, `X_OFF`) and `V1_Exc_L4`, `V1_Inh_L4`, `V1_Exc_L2/3`, `V1_Inh_L2/3`."""

    required_parameters = ParameterSet(
        {
            "sheets": ParameterSet,
            "visual_field": ParameterSet({"centre": tuple, "size": tuple}),  # degrees
            "protocol": ParameterSet,  # durations (ms) and stimuli, see experiments.py
            "pynn_seed": int,
            "mpi_seed": int,
        }
    )

    def __init__(self, sim, num_threads, parameters):
        Model.__init__(self, sim, num_threads, parameters)
        # Background and noise are drawn by NEST: seeded before any node exists.
        sim.nest.SetKernelStatus({"rng_seed": self.parameters.pynn_seed})
        field = self.parameters.visual_field
        self.visual_field = VisualRegion(
            location_x=field.centre[0], location_y=field.centre[1], size_x=field.size[0], size_y=field.size[1]
        )
        sheets = self.parameters.sheets
        self.input_layer = load_component(sheets.retina_lgn.component)(self, sheets.retina_lgn.params)
        cortex = {
            name: load_component(sheets[name].component)(self, sheets[name].params)
            for name in ("l4_cortex_exc", "l4_cortex_inh", "l23_cortex_exc", "l23_cortex_inh")
        }
        for name in ("l4_cortex_exc", "l4_cortex_inh"):
            on, off = self.input_layer.sheets["X_ON"], self.input_layer.sheets["X_OFF"]
            GaborConnector(self, on, off, cortex[name], sheets[name].AfferentConnection, f"V1Aff_{name}")
        for name in ("l23_cortex_exc", "l23_cortex_inh"):
            adopt_annotations(cortex[name], cortex["l4_cortex_exc"])
        for source, sheet in cortex.items():
            for connection, target in sheets[source].connections.items():
                ModularSamplingProbabilisticConnector(
                    self, connection, sheet, cortex[target.target], target.params
                ).connect()


def adopt_annotations(sheet, column):
    """Give each neuron of `sheet` the orientation and phase of the nearest neuron of `column`."""
    x, y = sheet.pop.positions[:2]
    column_x, column_y = column.pop.positions[:2]
    for i in range(len(x)):
        nearest = int(numpy.argmin((column_x - x[i]) ** 2 + (column_y - y[i]) ** 2))
        for key in ANNOTATIONS:
            sheet.add_neuron_annotation(i, key, column.get_neuron_annotation(nearest, key), protected=True)
