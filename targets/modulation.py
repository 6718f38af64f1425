"""Target of response modulation by drifting gratings, which tells simple from complex cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat

from targets.base import PointTarget
from targets.datastore import Datastore
from targets.errors import NoValue
from targets.needs import SPIKES, Needs, Presented
from targets.orientation import GRATING
from targets.registry import target
from targets.segment import Segment
from targets.sheet import circular_distance
from targets.sheet_target import SheetTarget


class FirstHarmonic(SheetTarget):
    """``2 F1 / F0`` of the responses to drifting gratings at the cells' own orientation.

    For each full-field grating of ``contrast``, of the cells whose preferred orientation is within ``tolerance`` of
    the grating's: the counts in bins of ``bin`` ms, averaged over trials, are Fourier transformed cell by cell; the
    absolute values at the grating's temporal frequency (F1) and at 0 (F0) are averaged over all cells of all gratings.
    0 for an unmodulated response, 1 for a sinusoid that just reaches 0, 2 for responses at one phase only.

    F1 is that of a whole number of cycles in the whole bins: of 504 ms the last 4 ms are left out with bins of 10 ms,
    and one cycle of 2 Hz is taken to last 500 ms. Programs that stretch the bins over the 504 ms, as the predecessor
    does, find values that differ by up to 5 %.
    """

    tolerance: PositiveFloat = Field(
        default=0.1, description="distance from a grating's orientation within which a cell's preference lies, rad"
    )
    contrast: PositiveFloat = Field(default=100.0, description="contrast of the gratings, %")
    bin: PositiveFloat = Field(default=10.0, description="width of a bin of the PSTH, ms")

    @property
    def needs(self) -> Needs:
        """Spikes of gratings of ``contrast``, of whatever orientation."""
        grating = Presented(GRATING, {"contrast": self.contrast}, {"contrast": "contrast"})
        return super().needs + Needs((SPIKES,), (grating,))

    def amplitudes(self, recordings: Any) -> NDArray[np.float64]:
        """Return F0 and F1 of every cell for the gratings at its own orientation, in Hz, (2, n_cells).

        ``2 F1 / F0`` of one cell is ``2 * f1[i] / f0[i]``; the value of the sheet is the ratio of the means.

        Raises
        ------
        NoValue
            If there are no such gratings or cells.
        """
        datastore = self.datastore(recordings)
        gratings = datastore.presentations(self.sheet_name, GRATING, contrast=self.contrast)
        if not gratings:
            raise self.missing(datastore, f"{GRATING} of contrast {self.contrast:g}")
        found = [self._amplitudes(datastore, trials) for trials in datastore.by_stimulus(gratings)]
        amplitudes = np.concatenate(found, axis=1)
        if not amplitudes.size:
            raise NoValue(
                f"no recorded cell of sheet {self.sheet_name} prefers the orientation of a grating of contrast "
                f"{self.contrast:g} within {self.tolerance:g} rad"
            )
        return amplitudes

    def outputs(self, recordings: Any) -> float:  # noqa: D102
        f0, f1 = self.amplitudes(recordings)
        if f0.mean() == 0:
            raise NoValue(f"the cells of sheet {self.sheet_name} don't respond to gratings: F0 is 0")
        return float(2 * f1.mean() / f0.mean())

    def _amplitudes(self, datastore: Datastore, trials: list[Segment]) -> NDArray[np.float64]:
        """Return F0 and F1 of the cells at a grating's orientation, in Hz, (2, n_cells)."""
        frequency, orientation = (trials[0].stimulus.get(key) for key in ("temporal_frequency", "orientation"))
        if not isinstance(frequency, (int, float)) or not isinstance(orientation, (int, float)) or frequency <= 0:
            raise NoValue(f"{trials[0].identifier}: the grating has no temporal_frequency or orientation")
        sheet = datastore.sheet(self.sheet_name)
        with np.errstate(invalid="ignore"):
            at_orientation = circular_distance(sheet.require_orientations(), orientation) <= self.tolerance
        f0, f1 = np.zeros(sheet.ids.size), np.zeros(sheet.ids.size, np.complex128)
        recorded = np.zeros(sheet.ids.size, np.int64)
        for trial in trials:
            trains = trial.spikes()
            cells = sheet.indices(trains.ids)
            zeroth, first = _fourier(trial, frequency, self.bin)
            f0[cells] += zeroth
            f1[cells] += first
            recorded[cells] += 1
        chosen = at_orientation & (recorded > 0)
        return np.array([f0[chosen], np.abs(f1[chosen])]) / recorded[chosen]


def _fourier(segment: Segment, frequency: float, width: float) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """Return the Fourier coefficients of each train's binned rate at 0 and at `frequency` (Hz), in Hz, (n_trains,).

    They are those of the whole number of cycles nearest to the recording's length, as the FFT has them.
    """
    trains = segment.spikes()
    n_bins = trains.n_bins(width)
    cycles = round(n_bins * width * frequency / 1000.0)
    if cycles < 1 or 2 * cycles > n_bins:
        raise NoValue(
            f"a grating of {frequency:g} Hz presented for {trains.duration:g} ms has no first harmonic in bins of "
            f"{width:g} ms"
        )
    owner, index = trains.bins(width)
    phase = -2 * np.pi * cycles / n_bins * index
    scale = 1000.0 / (n_bins * width)
    zeroth = np.bincount(owner, minlength=len(trains)) * scale
    real = np.bincount(owner, np.cos(phase), minlength=len(trains)) * scale
    imaginary = np.bincount(owner, np.sin(phase), minlength=len(trains)) * scale
    return np.asarray(zeroth, np.float64), np.asarray(real + 1j * imaginary, np.complex128)


@target("ModulationRatio", unit="")
class ModulationRatio(FirstHarmonic, PointTarget):
    """The modulation ratio should be ``target_value``."""
