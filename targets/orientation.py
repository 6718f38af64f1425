"""Targets of orientation tuning: response to the preferred over the orthogonal grating, and orthogonal suppression."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat

from targets.base import AtLeastTarget, PointTarget
from targets.datastore import Datastore
from targets.errors import NoValue
from targets.needs import SPIKES, Needs, Presented
from targets.registry import target
from targets.sheet import circular_distance
from targets.sheet_target import SheetTarget, SpontaneousTarget, rates_by_cell

GRATING = "FullfieldDriftingSinusoidalGrating"


class OrientedTarget(SheetTarget):
    """A value of the cells that prefer one orientation, from their responses to gratings of one contrast."""

    orientation: float = Field(
        default=math.pi / 2, allow_inf_nan=False, description="preferred orientation of the cells, rad"
    )
    tolerance: PositiveFloat = Field(
        default=0.1, description="distance from `orientation` within which a cell's preference lies, rad"
    )
    contrast: PositiveFloat = Field(default=100.0, description="contrast of the gratings, %")

    @property
    def needs(self) -> Needs:
        """Spikes; which gratings, the values say."""
        return super().needs + Needs((SPIKES,))

    def grating(self, orientation: float) -> Presented:
        """Return the full-field grating of ``contrast`` and an orientation in rad, as `needs` has it."""
        options = {"contrast": "contrast", "orientation": "orientation"}
        return Presented(GRATING, {"contrast": self.contrast, "orientation": orientation}, options)

    @property
    def orthogonal(self) -> float:
        """The orientation orthogonal to the preferred one, rad."""
        return self.orientation - math.pi / 2

    def cells(self, datastore: Datastore) -> NDArray[np.bool_]:
        """Return which of the sheet's N cells prefer ``orientation``, (N,)."""
        preferred = datastore.sheet(self.sheet_name).require_orientations()
        with np.errstate(invalid="ignore"):
            return np.asarray(circular_distance(preferred, self.orientation) <= self.tolerance)

    def grating_rates(self, datastore: Datastore, orientation: float) -> NDArray[np.float64]:
        """Return the rates of the N cells for the grating of `orientation`, in Hz, (N,); NaN for cells not recorded.

        Raises
        ------
        NoValue
            If no such grating was presented.
        """
        trials = datastore.trials(self.sheet_name, GRATING, contrast=self.contrast, orientation=orientation)
        if not trials:
            what = f"{GRATING} of contrast {self.contrast:g}, orientation {orientation:.4g} rad"
            raise self.missing(datastore, what)
        return rates_by_cell(datastore, self.sheet_name, trials)

    def mean_rates(self, datastore: Datastore, *rates: NDArray[np.float64]) -> list[float]:
        """Average each of some rates, (N,), over the cells that prefer ``orientation`` and have them all.

        Raises
        ------
        NoValue
            If there are no such cells.
        """
        cells = self.cells(datastore)
        recorded = cells & np.isfinite(rates).all(axis=0)
        if not recorded.any():
            raise NoValue(
                f"of the {cells.sum()} cells of sheet {self.sheet_name} that prefer {self.orientation:.4g} rad within "
                f"{self.tolerance:g} rad none was recorded"
            )
        return [float(each[recorded].mean()) for each in rates]


class PreferredOverOrthogonal(OrientedTarget):
    """Mean rate at the preferred over mean rate at the orthogonal orientation, of cells that prefer ``orientation``."""

    @property
    def needs(self) -> Needs:
        """Spikes of the gratings of both orientations."""
        return super().needs + Needs(presented=(self.grating(self.orientation), self.grating(self.orthogonal)))

    def outputs(self, recordings: Any) -> float:  # noqa: D102
        datastore = self.datastore(recordings)
        preferred, orthogonal = self.mean_rates(
            datastore,
            self.grating_rates(datastore, self.orientation),
            self.grating_rates(datastore, self.orthogonal),
        )
        if orthogonal == 0:
            raise NoValue(f"the rate at the orthogonal orientation is 0 (at the preferred one {preferred:g} Hz)")
        return preferred / orthogonal


class OrthogonalChange(OrientedTarget, SpontaneousTarget):
    """``|spontaneous - orthogonal| / spontaneous``, mean rates of the cells that prefer ``orientation``."""

    @property
    def needs(self) -> Needs:
        """Spikes of spontaneous activity and of the orthogonal grating."""
        return super().needs + Needs(presented=(self.grating(self.orthogonal),))

    def outputs(self, recordings: Any) -> float:  # noqa: D102
        datastore = self.datastore(recordings)
        spontaneous, orthogonal = self.mean_rates(
            datastore,
            rates_by_cell(datastore, self.sheet_name, self.spontaneous(recordings)),
            self.grating_rates(datastore, self.orthogonal),
        )
        if spontaneous == 0:
            raise NoValue(f"the spontaneous rate is 0 (at the orthogonal orientation {orthogonal:g} Hz)")
        return abs(spontaneous - orthogonal) / spontaneous


@target("OrientationTuningPreferenceTarget", unit="")
class OrientationTuningPreferenceTarget(PreferredOverOrthogonal, AtLeastTarget):
    """The ratio of preferred to orthogonal response should be at least ``target_value``."""


@target("OrientationTuningOrthoHighTarget", unit="")
class OrientationTuningOrthoHighTarget(OrthogonalChange, PointTarget):
    """The change of rate by an orthogonal grating of high contrast should be ``target_value``."""


@target("OrientationTuningOrthoLowTarget", unit="")
class OrientationTuningOrthoLowTarget(OrthogonalChange, PointTarget):
    """The change of rate by an orthogonal grating of low contrast should be ``target_value``."""

    contrast: PositiveFloat = Field(default=10.0, description="contrast of the gratings, %")
