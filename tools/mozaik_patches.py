"""What it takes, beside the automatic conversion, to run mozaik 0.1.0 and imagen 1.0 on Python 3 and today's libraries.

Every patch replaces all occurrences of a piece of the original (Python 2, tabs expanded) text of one file; it is an
error if the piece is not there. Patches are applied in this order and before the conversion by fissix.
"""

from __future__ import annotations

from typing import NamedTuple


class Patch(NamedTuple):
    """One substitution: ``old`` by ``new`` in ``file``, and why."""

    file: str
    old: str
    new: str
    why: str


class Source(NamedTuple):
    """A source distribution of Python 2 and all that is done to it."""

    name: str
    version: str
    packages: tuple[str, ...]
    left_out: tuple[str, ...]
    patches: tuple[Patch, ...]
    new_files: dict[str, str]


_NEO_WRAPPER = "mozaik/storage/neo_neurotools_wrapper.py"
_RETINA = "mozaik/models/vision/spatiotemporalfilter.py"
_STIMULATOR = "mozaik/sheets/direct_stimulator.py"
_PARAMETRIZED = "mozaik/tools/mozaik_parametrized.py"
_GABOR = "mozaik/connectors/meta_connectors.py"
_DISTRIBUTION = "mozaik/tools/distribution_parametrization.py"

# NeuroTools.stgen, of which mozaik uses two methods, exists for Python 2 only.
_STGEN = '''"""Poisson spike trains (stands in for NeuroTools.stgen, which exists for Python 2 only)."""
import numpy


class SpikeTimes(object):
    """Holds `spike_times` (ms, ascending)."""

    def __init__(self, spike_times):
        self.spike_times = spike_times


class StGen(object):
    """Generator of spike trains, with a random generator of its own."""

    def __init__(self, rng):
        self.rng = rng

    def poisson_generator(self, rate, t_start=0.0, t_stop=1000.0):
        """Homogeneous Poisson process of `rate` Hz between `t_start` and `t_stop` ms."""
        number = self.rng.poisson(rate * (t_stop - t_start) / 1000.0)
        return SpikeTimes(numpy.sort(self.rng.uniform(t_start, t_stop, number)))

    def inh_poisson_generator(self, rate, t, t_stop):
        """Inhomogeneous Poisson process: `rate[i]` Hz from `t[i]` ms on; by thinning (Lewis and Shedler 1979)."""
        peak = numpy.max(rate)
        times = self.poisson_generator(peak, t[0], t_stop).spike_times
        there = numpy.asarray(rate)[numpy.searchsorted(t, times, side="right") - 1]
        return SpikeTimes(times[self.rng.uniform(0.0, 1.0, len(times)) * peak < there])
'''

_INIT_LOGGING = """

def init_logging(filename, file_level, console_level, mpi_rank=None):
    logging.basicConfig(level=file_level, filename=filename, filemode='w',
                        format='%(asctime)s %(name)-10s %(levelname)-6s %(message)s')
"""

_MOZAIK_PATCHES = (
    Patch("mozaik/__init__.py", "[class_name], -1)", "[class_name])", "Python 3 knows no implicit relative import"),
    Patch(
        "mozaik/__init__.py",
        "rng.randint(9223372036854775807,size=size)",
        "rng.randint(2**31 - 1, size=size)",
        "numpy takes seeds below 2**32 only",
    ),
    Patch(
        "mozaik/__init__.py",
        "def setup_mpi():",
        "def setup_mpi(mpi_seed=513, pynn_seed=1023):",
        "seeds are parameters, as in later versions",
    ),
    Patch("mozaik/__init__.py", "NumpyRNG(seed=1023)", "NumpyRNG(seed=pynn_seed)", "as above"),
    Patch(
        "mozaik/__init__.py",
        "rng.seed(513)",
        "rng.seed(mpi_seed)\n    numpy.random.seed(mpi_seed)",
        "as above; connectors draw from numpy's global generator, too",
    ),
    Patch(
        "mozaik/__init__.py",
        "    if MPI:\n        mpi_comm",
        "    else:\n        mpi_comm",
        "MPI is undefined where mpi4py is missing",
    ),
    Patch(
        "mozaik/controller.py",
        "from NeuroTools import init_logging\nfrom NeuroTools import visual_logging",
        _INIT_LOGGING,
        "NeuroTools exists for Python 2 only",
    ),
    Patch(
        "mozaik/controller.py",
        "    if (not mozaik.mpi_comm) or mozaik.mpi_comm.rank==mozaik.MPI_ROOT:\n"
        '            visual_logging.basicConfig(Global.root_directory + "visual_log.zip",\n'
        "                                       level=logging.INFO)\n",
        "",
        "NeuroTools exists for Python 2 only",
    ),
    Patch(
        "mozaik/controller.py",
        'exec "import pyNN.nest as sim" in  globals(), locals()',
        "import pyNN.nest as sim",
        "Python 3's exec cannot define a local name",
    ),
    Patch("mozaik/controller.py", "(len(sys.argv)-5)/2", "(len(sys.argv)-5)//2", "range takes integers"),
    Patch(
        "mozaik/controller.py",
        "    # Create results directory",
        "    mozaik.setup_mpi(**{k : parameters[k] for k in ('mpi_seed', 'pynn_seed') if k in parameters})\n"
        "    parameters = load_parameters(parameters_url,modified_parameters)\n    # Create results directory",
        "seeds are parameters; the parameters' distributions need the seeded generator",
    ),
    Patch("mozaik/controller.py", '"modified_parameters","w")', '"modified_parameters","wb")', "pickles are bytes"),
    Patch(
        "mozaik/sheets/__init__.py",
        "        def compare(a, b):\n            return cmp(a.annotations['source_id'], b.annotations['source_id'])\n",
        "        def key(train):\n"
        "            return train.annotations.get('channel_id', train.annotations.get('source_id'))\n",
        "no cmp in Python 3; PyNN >= 0.12 calls the annotation channel_id",
    ),
    Patch(
        "mozaik/sheets/__init__.py",
        "s.spiketrains = sorted(s.spiketrains, compare)",
        "trains = sorted(s.spiketrains, key=key)",
        "neo's SpikeTrainList can't be edited in place",
    ),
    Patch(
        "mozaik/sheets/__init__.py",
        "           for i in xrange(0, len(s.spiketrains)):\n"
        "               s.spiketrains[i] -= s.spiketrains[i].t_start\n"
        "               s.spiketrains[i].t_stop -= s.spiketrains[i].t_start\n"
        "               s.spiketrains[i].t_start = 0 * pq.ms\n",
        "           trains = [SpikeTrain(t.magnitude - t.t_start.magnitude, units=t.units, t_start=0.0,\n"
        "                                t_stop=float(t.t_stop.magnitude - t.t_start.magnitude),\n"
        "                                **t.annotations) for t in trains]  # all in ms\n",
        "as above",
    ),
    Patch(
        "mozaik/sheets/__init__.py", "s.analogsignalarrays[i].t_start", "s.analogsignals[i].t_start", "renamed in neo"
    ),
    Patch("mozaik/sheets/__init__.py", "len(s.analogsignalarrays)", "len(s.analogsignals)", "renamed in neo"),
    Patch(
        "mozaik/sheets/__init__.py",
        "0 * pq.ms\n       \n        return s",
        "0 * pq.ms\n        s.spiketrains = trains\n        return s",
        "neo's SpikeTrainList can't be edited in place",
    ),
    Patch(_NEO_WRAPPER, "analogsignalarrays", "analogsignals", "renamed in neo"),
    Patch(
        _STIMULATOR,
        "from NeuroTools import stgen",
        "from mozaik.tools import stgen",
        "NeuroTools exists for Python 2 only",
    ),
    Patch(_STIMULATOR, "{'rate': 0}", "{'rate': 0.0}", "NEST takes a rate as a float"),
    Patch(
        _STIMULATOR,
        "           self.np_exc[0].set_parameters(",
        "           if hasattr(self, 'np_exc'): self.np_exc[0].set_parameters(",
        "made only where rate or weight is not 0",
    ),
    Patch(
        _STIMULATOR,
        "           self.np_inh[0].set_parameters(",
        "           if hasattr(self, 'np_inh'): self.np_inh[0].set_parameters(",
        "as above",
    ),
    Patch(
        _STIMULATOR,
        "pp = self.stgene[j].poisson_generator(rate=self.parameters.inh_firing_rate",
        "pp = self.stgeni[j].poisson_generator(rate=self.parameters.inh_firing_rate",
        "inhibitory trains have generators of their own",
    ),
    Patch(
        _DISTRIBUTION,
        "import urllib, copy, warnings, numpy, numpy.random  # to be replaced with srblib\n"
        "from urlparse import urlparse",
        "import copy, warnings, numpy, numpy.random",
        "parameters are read from files",
    ),
    Patch(_DISTRIBUTION, "urllib.urlopen(initialiser)", "open(initialiser)", "urlopen refuses a plain path"),
    Patch(
        _DISTRIBUTION,
        "                import urlparse, os.path\n                o = urlparse.urlparse(self._url)\n"
        "                base,ext = os.path.splitext(o.path)",
        "                import os.path\n                base,ext = os.path.splitext(self._url)",
        "as above",
    ),
    Patch(
        _DISTRIBUTION,
        "RandomDistribution.__init__(self,parameters=params,boundaries=boundaries,constrain=constrain)",
        "import mozaik\n          RandomDistribution.__init__(self,name,params,rng=mozaik.pynn_rng)",
        "PyNN dropped boundaries and constrain; the generator has to be the seeded one",
    ),
    Patch(_PARAMETRIZED, "from sets import Set\n", "", "no module sets in Python 3"),
    Patch(
        _PARAMETRIZED,
        "d[k].precedence < 0 and d[k].precedence != None",
        "d[k].precedence is not None and d[k].precedence < 0",
        "None has no order in Python 3",
    ),
    Patch("mozaik/analysis/technical.py", "from sets import Set\n", "", "no module sets in Python 3"),
    Patch("mozaik/analysis/technical.py", "Set([])", "set([])", "as above"),
    Patch(
        "mozaik/analysis/helper_functions.py", "neo.core.analogsignalarray", "neo.core.analogsignal", "renamed in neo"
    ),
    Patch(
        "mozaik/analysis/helper_functions.py",
        "float((t_stop-t_start)/bin_length)",
        "int(round(float((t_stop-t_start)/bin_length)))",
        "numpy takes an integer number of bins",
    ),
    Patch(_RETINA, "from NeuroTools.plotting import progress_bar\n", "", "NeuroTools exists for Python 2 only"),
    Patch(_RETINA, "            progress_bar(t/duration)\n", "", "as above"),
    Patch(_RETINA, "width - dx, width/dx)", "width - dx, int(nx))", "numpy takes an integer number of points"),
    Patch(_RETINA, "height - dy, height/dy)", "height - dy, int(ny))", "as above"),
    Patch(
        _RETINA,
        "self.response_length = numpy.ceil(stimulus_duration / self.receptive_field.temporal_resolution)",
        "self.response_length = int(numpy.ceil(stimulus_duration / self.receptive_field.temporal_resolution))",
        "numpy takes an integer size",
    ),
    Patch(
        "mozaik/space.py",
        "    def __ne__(self, other):",
        "    def __hash__(self):\n"
        "        return hash((self.location_x, self.location_y, self.size_x, self.size_y))\n\n"
        "    def __ne__(self, other):",
        "in Python 3 a class with __eq__ alone has no hash",
    ),
    Patch(_GABOR, "NearestNDInterpolator(zip(", "NearestNDInterpolator(list(zip(", "zip is an iterator in Python 3"),
    Patch(_GABOR, "Y.flatten()),", "Y.flatten())),", "as above"),
    Patch(_GABOR, "_location, 'r')", "_location, 'rb')", "pickles are bytes"),
    Patch(
        "mozaik/connectors/vision.py",
        "NearestNDInterpolator(zip(X.flatten(), Y.flatten())",
        "NearestNDInterpolator(list(zip(X.flatten(), Y.flatten()))",
        "zip is an iterator in Python 3",
    ),
    Patch("mozaik/connectors/vision.py", "map_location, 'r')", "map_location, 'rb')", "pickles are bytes"),
)

_IMAGEN_PATCHES = (
    Patch("imagen/__init__.py", "numpy.oldnumeric", "numpy", "oldnumeric left numpy in 1.9"),
    Patch("imagen/__init__.py", "add, alltrue, array", "add, all as alltrue, array", "alltrue left numpy in 2.0"),
    Patch("imagen/__init__.py", "hstack, Infinity, linspace", "hstack, inf as Infinity, linspace", "as above"),
    Patch("imagen/__init__.py", "sample_rate/2]", "sample_rate//2]", "an index is an integer"),
    Patch(
        "imagen/__init__.py",
        "linspace(0.0, duration, duration*sample_rate)",
        "linspace(0.0, duration, int(duration*sample_rate))",
        "numpy takes an integer number of points",
    ),
    Patch("imagen/__init__.py", "del _k,_v\n", "", "Python 3's comprehensions leave no names behind"),
    Patch("imagen/__init__.py", '["image","random"]', '["image"]', "imagen.random is left out"),
    Patch("imagen/patternfn.py", "numpy.oldnumeric", "numpy", "oldnumeric left numpy in 1.9"),
    Patch("imagen/patterngenerator.py", "numpy.oldnumeric import ones, Float", "numpy import ones", "as above"),
    Patch("imagen/patterngenerator.py", "ones(shape, Float)", "ones(shape, float)", "as above"),
    Patch("imagen/image.py", "import Image\nimport ImageOps", "from PIL import Image, ImageOps", "PIL became Pillow"),
    Patch("imagen/image.py", "numpy.oldnumeric import array, Float,", "numpy import array,", "oldnumeric left numpy"),
    Patch("imagen/image.py", "Float", "float", "as above"),
    Patch(
        "imagen/sheetcoords.py",
        "floor,ceil,round_,arange",
        "floor,ceil,round as round_,arange",
        "round_ left numpy in 2.0",
    ),
    Patch(
        "imagen/sheetcoords.py",
        "array(slicespec, dtype=int32, copy=False)",
        "array(slicespec, dtype=int32)",
        "copy=False is an error in numpy 2 where a copy is needed",
    ),
    Patch("imagen/sheetcoords.py", "n_cols/2", "n_cols//2", "an index is an integer"),
    Patch("imagen/sheetcoords.py", "n_rows/2", "n_rows//2", "as above"),
    Patch("imagen/sheetcoords.py", "sheet_rows/2,sheet_cols/2", "sheet_rows//2,sheet_cols//2", "as above"),
)

MOZAIK = Source("mozaik", "0.1.0", ("mozaik",), (), _MOZAIK_PATCHES, {"mozaik/tools/stgen.py": _STGEN})
IMAGEN = Source(
    "imagen",
    "1.0",
    ("imagen", "numbergen"),
    ("imagen/audio.py", "imagen/opencvcamera.py", "imagen/random.py"),  # not used by mozaik
    _IMAGEN_PATCHES,
    {},
)
