"""Target of size tuning: the share of cells whose response a grating beyond the disk suppresses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveFloat

from targets.base import AtLeastTarget
from targets.datastore import Datastore
from targets.errors import NoValue
from targets.needs import Located, Needs, Presented, extent
from targets.orientation import GRATING, OrientedTarget
from targets.registry import target
from targets.segment import Segment
from targets.sheet_target import rates_by_cell

DISK = "DriftingSinusoidalGratingDisk"


class SuppressedShare(OrientedTarget):
    """Share of cells that respond more to a disk than to the full field.

    Of the recorded cells that prefer ``orientation`` and lie within ``radius`` of the centre (``x^2 + y^2 <
    radius^2``), those with more than ``min_disk_spikes`` spikes for the disk, more than ``min_full_spikes`` for the
    full-field grating, and a ratio of rates, disk over full field, above ``min_ratio``. Cells that don't respond count
    as not suppressed. Counts and rates are averaged over trials.
    """

    radius: PositiveFloat = Field(default=1.0, description="the cells lie closer to the centre than this, degrees")
    disk_radius: PositiveFloat | None = Field(
        default=None, description="radius of the disk, degrees; by default that of the first one presented"
    )
    min_disk_spikes: NonNegativeFloat = Field(default=2.0, description="a cell needs more spikes for the disk")
    min_full_spikes: NonNegativeFloat = Field(default=0.0, description="a cell needs more spikes for the full field")
    min_ratio: PositiveFloat = Field(default=1.1, description="a cell needs a larger ratio of disk to full field")

    @property
    def needs(self) -> Needs:
        """Spikes of the disk and of the full-field grating."""
        full = self.grating(self.orientation)
        radius = {} if self.disk_radius is None else {"radius": self.disk_radius}
        disk = Presented(DISK, {**full.parameters, **radius}, {**full.options, "radius": "disk_radius"})
        return super().needs + Needs(presented=(disk, full), located=(self.centre,))

    @property
    def centre(self) -> Located:
        """Where the cells are."""
        return Located(self.radius, round=True, least=1, option="radius")

    def outputs(self, recordings: Any) -> float:  # noqa: D102
        datastore = self.datastore(recordings)
        disk = self.presented(datastore, DISK, radius=self.disk_radius)
        full = self.presented(datastore, GRATING)
        disk_rates = rates_by_cell(datastore, self.sheet_name, disk)
        full_rates = rates_by_cell(datastore, self.sheet_name, full)
        cells = self.central_cells(datastore, disk_rates, full_rates)
        disk_rates, full_rates = disk_rates[cells], full_rates[cells]
        responsive = _above(disk_rates, self.min_disk_spikes, disk) & _above(full_rates, self.min_full_spikes, full)
        # Not disk / full, because the full field may leave a cell silent. A ratio that exceeds min_ratio by rounding is
        # not above it.
        suppressed = responsive & (disk_rates > self.min_ratio * full_rates * (1 + 1e-9))
        return float(suppressed.mean())

    def central_cells(self, datastore: Datastore, *rates: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of the N cells prefer ``orientation``, lie in the centre, and have all the rates, (N,).

        Raises
        ------
        NoValue
            If there are none.
        """
        x, y = datastore.sheet(self.sheet_name).require_positions()[:2]
        central = self.centre.selects(x, y)
        if not central.any():
            raise NoValue(
                f"no cell of sheet {self.sheet_name} is {self.centre.words}: their positions are {extent(x, y)}"
            )
        cells = self.cells(datastore) & central & np.isfinite(rates).all(axis=0)
        if not cells.any():
            raise NoValue(
                f"no cell of sheet {self.sheet_name} that prefers {self.orientation:.4g} rad was recorded within "
                f"{self.radius:g} degrees of the centre"
            )
        return np.asarray(cells)

    def presented(self, datastore: Datastore, stimulus: str, radius: float | None = None) -> list[Segment]:
        """Return the trials of a disk, or of the full-field grating, of ``contrast`` and ``orientation``.

        Raises
        ------
        NoValue
            If it was not presented.
        """
        trials = datastore.trials(
            self.sheet_name, stimulus, contrast=self.contrast, orientation=self.orientation, radius=radius
        )
        if not trials:
            size = f", radius {radius:g} degrees" if radius is not None else ""
            what = f"{stimulus} of contrast {self.contrast:g}, orientation {self.orientation:.4g} rad{size}"
            raise self.missing(datastore, what)
        return trials


def _above(rates: NDArray[np.float64], spikes: float, trials: list[Segment]) -> NDArray[np.bool_]:
    """Return which rates, in Hz, come from more than `spikes` spikes per trial."""
    seconds = float(np.mean([each.spikes().duration for each in trials])) / 1000.0
    return np.asarray(rates * seconds > spikes * (1 + 1e-9))


@target("SizeTuning", unit="")
class SizeTuning(SuppressedShare, AtLeastTarget):
    """The share of cells with surround suppression should be at least ``target_value``."""
