"""Reads pickles of neo's objects as plain data, without executing anything that they name.

What is imported here is all that the rest of the program uses of it. `read_pickle` reads a file; `items_of`,
`spike_trains` and `analog_signal` say what neo's objects in it hold, `integers` what its ids are;
`Instance` and `Array` stand for the objects and arrays themselves, and `Refused` is the reason if one of them is not
what was expected. A `Vocabulary` says what a file of another program may name.
"""

from targets.pickles.inert import MOZAIK, Array, Instance, Refused, Vocabulary, make_instance_of
from targets.pickles.neo_objects import AnalogSignal, analog_signal, integers, items_of, spike_trains
from targets.pickles.unpickle import read_pickle

__all__ = [
    "MOZAIK",
    "AnalogSignal",
    "Array",
    "Instance",
    "Refused",
    "Vocabulary",
    "analog_signal",
    "integers",
    "items_of",
    "make_instance_of",
    "read_pickle",
    "spike_trains",
]
