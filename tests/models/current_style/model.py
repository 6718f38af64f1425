"""Layer 4 of primary visual cortex with input from the LGN."""

from mozaik import load_component
from mozaik.connectors.meta_connectors import GaborConnector
from mozaik.connectors.modular import ModularSamplingProbabilisticConnector
from mozaik.models import Model
from mozaik.space import VisualRegion
from parameters import ParameterSet


class LayerFour(Model):
    """`V1_Exc_L4` and `V1_Inh_L4`, driven by `X_ON` and `X_OFF`."""

    required_parameters = ParameterSet(
        {
            "sheets": ParameterSet(
                {"l4_cortex_exc": ParameterSet, "l4_cortex_inh": ParameterSet, "retina_lgn": ParameterSet}
            ),
            "visual_field": ParameterSet({"centre": tuple, "size": tuple}),
            "feedback": bool,
        }
    )

    def __init__(self, sim, num_threads, parameters):
        Model.__init__(self, sim, num_threads, parameters)
        field = self.parameters.visual_field
        self.visual_field = VisualRegion(
            location_x=field.centre[0], location_y=field.centre[1], size_x=field.size[0], size_y=field.size[1]
        )
        sheets = self.parameters.sheets
        self.input_layer = load_component(sheets.retina_lgn.component)(self, sheets.retina_lgn.params)
        exc = load_component(sheets.l4_cortex_exc.component)(self, sheets.l4_cortex_exc.params)
        inh = load_component(sheets.l4_cortex_inh.component)(self, sheets.l4_cortex_inh.params)
        on, off = self.input_layer.sheets["X_ON"], self.input_layer.sheets["X_OFF"]
        GaborConnector(self, on, off, exc, sheets.l4_cortex_exc.AfferentConnection, "V1AffConnection")
        GaborConnector(self, on, off, inh, sheets.l4_cortex_inh.AfferentConnection, "V1AffInhConnection")
        for name, source, target, connection in (
            ("V1L4ExcL4ExcConnection", exc, exc, sheets.l4_cortex_exc.L4ExcL4ExcConnection),
            ("V1L4ExcL4InhConnection", exc, inh, sheets.l4_cortex_exc.L4ExcL4InhConnection),
            ("V1L4InhL4ExcConnection", inh, exc, sheets.l4_cortex_inh.L4InhL4ExcConnection),
            ("V1L4InhL4InhConnection", inh, inh, sheets.l4_cortex_inh.L4InhL4InhConnection),
        ):
            ModularSamplingProbabilisticConnector(self, name, source, target, connection).connect()
