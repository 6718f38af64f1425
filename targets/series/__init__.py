"""Targets on traces and events that a simulation leaves: against measured ones, or features of them."""

from targets.series.comparison import ComparedTrace, TraceCorrelation, TraceRMSE
from targets.series.electrophysiology import ElectrophysiologyFeature
from targets.series.events import EventCount, EventIrregularity, EventRate, EventTarget, FirstEvent
from targets.series.features import BandPower, Peak, PeakAmplitude, PeakLatency, TraceFeature, TraceMean, TraceSD
from targets.series.trace_target import TraceTarget

__all__ = [
    "BandPower",
    "ComparedTrace",
    "ElectrophysiologyFeature",
    "EventCount",
    "EventIrregularity",
    "EventRate",
    "EventTarget",
    "FirstEvent",
    "Peak",
    "PeakAmplitude",
    "PeakLatency",
    "TraceCorrelation",
    "TraceFeature",
    "TraceMean",
    "TraceRMSE",
    "TraceSD",
    "TraceTarget",
]
