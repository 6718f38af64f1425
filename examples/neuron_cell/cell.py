"""A NEURON cell under steps of current: a soma, the initial segment of its axon, and three dendrites.

Currents are those of ``mod``: fast sodium (naf), delayed rectifier (kdr), the slow potassium current M (km) and one
that hyperpolarisation activates (ih); ``pas`` is NEURON's. A parameter is named after what it sets: ``soma.gbar_naf``
is ``gbar_naf`` of the section ``soma``.
"""

import os

import neuron
import numpy as np
from neuron import h

from orchestrator import Exploded, Trace

h.load_file("stdrun.hoc")

CURRENTS = (-0.1, 0.1, 0.25, 0.35, 0.5)  # nA
STIMULUS = (20.0, 170.0)  # ms
DURATION, SETTLING = 200.0, 300.0  # ms
EVERY = 0.1  # ms; what is recorded

# length and diameter in um, number of segments, mechanisms
SECTIONS = {
    "soma": (22, 18, 1, ("pas", "naf", "kdr", "km", "ih")),
    "ais": (40, 1.5, 2, ("pas", "naf", "kdr", "km")),
    "trunk": (250, 3, 3, ("pas", "naf", "kdr", "km", "ih")),
    "tuft": (250, 1.5, 2, ("pas", "ih")),
    "basal": (180, 3, 2, ("pas",)),
}


def simulate(parameters, directory):
    """Return the membrane potential of the soma, a row for each current."""
    if not hasattr(h, "naf"):  # NEURON has them already if they lie compiled where Python was started
        neuron.load_mechanisms(os.environ["ORCHESTRATOR_PREPARED"])
    times, rows = responses(parameters)
    if not np.isfinite(rows).all():
        raise Exploded("the potential grows without bounds")
    return {"v": Trace(times, rows, "mV")}


def responses(parameters):
    """Return times in ms, and potentials in mV, shape (n_currents, n_times)."""
    sections = build(parameters)
    electrode = h.IClamp(sections["soma"](0.5))
    electrode.delay, electrode.dur = STIMULUS[0], STIMULUS[1] - STIMULUS[0]
    recorded = h.Vector().record(sections["soma"](0.5)._ref_v, EVERY)
    h.celsius = parameters["celsius"]
    rows = []
    for current in CURRENTS:
        electrode.amp = current
        settle(sections["soma"].e_pas)
        h.dt, h.steps_per_ms = parameters["dt"], 1 / parameters["dt"]
        h.frecord_init()
        h.continuerun(DURATION)
        rows.append(recorded.to_python())
    return EVERY * np.arange(len(rows[0])), np.array(rows)


def build(parameters):
    """Return the cell's sections by name, with these parameters."""
    sections = {}
    for name, (length, diameter, segments, mechanisms) in SECTIONS.items():
        section = sections[name] = h.Section(name=name)
        section.L, section.diam, section.nseg = length, diameter, segments
        for mechanism in mechanisms:
            section.insert(mechanism)
    sections["ais"].connect(sections["soma"](0))
    sections["trunk"].connect(sections["soma"](1))
    sections["tuft"].connect(sections["trunk"](1))
    sections["basal"].connect(sections["soma"](0))
    for name, value in parameters.items():
        place, dot, variable = name.partition(".")
        if dot:
            setattr(sections[place], variable, value)
    return sections


def settle(potential):
    """Let the cell come to rest from a potential, in long steps, and set the clock to 0."""
    h.finitialize(potential)
    h.t, h.dt = -SETTLING, 0.5
    while h.t < -h.dt / 2:
        h.fadvance()
    h.t = 0
    h.fcurrent()
