"""Targets on traces and events that a simulation leaves: against measured ones, or features of them."""

from targets.series.comparison import ComparedTrace, TraceCorrelation, TraceRMSE
from targets.series.electrophysiology import ElectrophysiologyFeature
from targets.series.events import EventCount, EventIrregularity, EventRate, EventTarget, FirstEvent
from targets.series.features import (
    BandPower,
    Peak,
    PeakAmplitude,
    PeakLatency,
    TraceFeature,
    TraceKurtosis,
    TraceMean,
    TraceSD,
    TraceSkewness,
)
from targets.series.phase_plane import PhasePlaneDensity
from targets.series.spike_comparison import (
    ComparedSpikes,
    MeanSpike,
    SpikeShapes,
    SpikeTimes,
    SpikeWeightedRMSE,
    SpikeWidths,
    SubthresholdRMSE,
)
from targets.series.spikes import SpikeCount, SpikeRate
from targets.series.trace_target import TraceTarget

__all__ = [
    "BandPower",
    "ComparedSpikes",
    "ComparedTrace",
    "ElectrophysiologyFeature",
    "EventCount",
    "EventIrregularity",
    "EventRate",
    "EventTarget",
    "FirstEvent",
    "MeanSpike",
    "Peak",
    "PeakAmplitude",
    "PeakLatency",
    "PhasePlaneDensity",
    "SpikeCount",
    "SpikeRate",
    "SpikeShapes",
    "SpikeTimes",
    "SpikeWeightedRMSE",
    "SpikeWidths",
    "SubthresholdRMSE",
    "TraceCorrelation",
    "TraceFeature",
    "TraceKurtosis",
    "TraceMean",
    "TraceRMSE",
    "TraceSD",
    "TraceSkewness",
    "TraceTarget",
]
