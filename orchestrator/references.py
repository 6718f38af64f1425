"""Publications of the methods and simulators that a run was made with, as BibTeX.

Which of them an optimiser is cited by, its registration says; one of somebody else's brings its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A publication.

    Parameters
    ----------
    key : str
        Of the BibTeX entry.
    words : str
        How a text cites it.
    kind : str
        Of the entry: ``article``, ``inproceedings``.
    fields : tuple of (str, str)
        Of the entry.
    """

    key: str
    words: str
    kind: str
    fields: tuple[tuple[str, str], ...]

    @property
    def bibtex(self) -> str:
        """The entry."""
        return entry(self.kind, self.key, self.fields)


@dataclass(frozen=True)
class Cited:
    """What a text names and cites.

    Parameters
    ----------
    words : str
        What it is called.
    references : tuple of Reference
        Its publications.
    """

    words: str
    references: tuple[Reference, ...] = ()

    def __str__(self) -> str:
        publications = "; ".join(each.words for each in self.references)
        return f"{self.words} ({publications})" if publications else self.words


def entry(kind: str, key: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return a BibTeX entry."""
    lines = [f"  {name} = {{{value}}}" for name, value in fields]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"


def article(  # noqa: PLR0917  (in the order of an entry)
    key: str, words: str, author: str, title: str, journal: str, year: int, **more: str
) -> Reference:
    """Return a publication in a journal.

    Parameters
    ----------
    key : str
        Of the BibTeX entry.
    words : str
        How a text cites it.
    author, title, journal : str
        Of the entry.
    year : int
        Of the entry.
    **more : str
        Other fields of the entry.
    """
    fields = {"author": author, "title": title, "journal": journal, "year": str(year), **more}
    return Reference(key, words, "article", tuple(fields.items()))


HANSEN_2016 = article(
    "hansen2016", "Hansen 2016", "Hansen, Nikolaus", "The {CMA} evolution strategy: a tutorial",
    "arXiv preprint arXiv:1604.00772", 2016,
)  # fmt: skip
ASTUDILLO_2019 = article(
    "astudillo2019", "Astudillo & Frazier 2019", "Astudillo, Raul and Frazier, Peter I.",
    "Bayesian optimization of composite functions", "arXiv preprint arXiv:1906.01537", 2019,
)  # fmt: skip
CARTIS_2019 = article(
    "cartis2019", "Cartis & Roberts 2019", "Cartis, Coralia and Roberts, Lindon",
    "A derivative-free {Gauss--Newton} method", "Mathematical Programming Computation", 2019, volume="11",
    pages="631--674", doi="10.1007/s12532-019-00161-7",
)  # fmt: skip
NELDER_1965 = article(
    "nelder1965", "Nelder & Mead 1965", "Nelder, John A. and Mead, Roger", "A simplex method for function minimization",
    "The Computer Journal", 1965, volume="7", number="4", pages="308--313", doi="10.1093/comjnl/7.4.308",
)  # fmt: skip
STORN_1997 = article(
    "storn1997", "Storn & Price 1997", "Storn, Rainer and Price, Kenneth",
    "Differential evolution: a simple and efficient heuristic for global optimization over continuous spaces",
    "Journal of Global Optimization", 1997, volume="11", pages="341--359", doi="10.1023/A:1008202821328",
)  # fmt: skip
DEB_2002 = article(
    "deb2002", "Deb et al. 2002", "Deb, Kalyanmoy and Pratap, Amrit and Agarwal, Sameer and Meyarivan, T.",
    "A fast and elitist multiobjective genetic algorithm: {NSGA-II}",
    "IEEE Transactions on Evolutionary Computation", 2002, volume="6", number="2", pages="182--197",
    doi="10.1109/4235.996017",
)  # fmt: skip
DEB_2014 = article(
    "deb2014", "Deb & Jain 2014", "Deb, Kalyanmoy and Jain, Himanshu",
    "An evolutionary many-objective optimization algorithm using reference-point-based nondominated sorting "
    "approach, part {I}: solving problems with box constraints",
    "IEEE Transactions on Evolutionary Computation", 2014, volume="18", number="4", pages="577--601",
    doi="10.1109/TEVC.2013.2281535",
)  # fmt: skip
BERGSTRA_2011 = Reference(
    "bergstra2011", "Bergstra et al. 2011", "inproceedings",
    (
        ("author", r"Bergstra, James and Bardenet, R{\'e}mi and Bengio, Yoshua and K{\'e}gl, Bal{\'a}zs"),
        ("title", "Algorithms for hyper-parameter optimization"),
        ("booktitle", "Advances in Neural Information Processing Systems 24"), ("year", "2011"),
    ),
)  # fmt: skip
SOBOL_1967 = article(
    "sobol1967", "Sobol 1967", "Sobol, Ilya M.",
    "On the distribution of points in a cube and the approximate evaluation of integrals",
    "USSR Computational Mathematics and Mathematical Physics", 1967, volume="7", number="4", pages="86--112",
    doi="10.1016/0041-5553(67)90144-9",
)  # fmt: skip

# of programs, by the names under which versions are kept
PROGRAMS: dict[str, Reference] = {
    "mozaik": article(
        "antolik2013", r"Antolík & Davison 2013", r"Antol{\'\i}k, J{\'a}n and Davison, Andrew P.",
        "Integrated workflows for spiking neuronal network simulations", "Frontiers in Neuroinformatics", 2013,
        volume="7", pages="34", doi="10.3389/fninf.2013.00034",
    ),
    "PyNN": article(
        "davison2009", "Davison et al. 2009",
        r"Davison, Andrew P. and Br{\"u}derle, Daniel and Eppler, Jochen and Kremkow, Jens and Muller, Eilif and "
        "Pecevski, Dejan and Perrinet, Laurent and Yger, Pierre",
        "{PyNN}: a common interface for neuronal network simulators", "Frontiers in Neuroinformatics", 2009,
        volume="2", pages="11", doi="10.3389/neuro.11.011.2008",
    ),
    "NEST": article(
        "gewaltig2007", "Gewaltig & Diesmann 2007", "Gewaltig, Marc-Oliver and Diesmann, Markus",
        "{NEST} ({NEural} {Simulation} {Tool})", "Scholarpedia", 2007, volume="2", number="4", pages="1430",
        doi="10.4249/scholarpedia.1430",
    ),
    "NEURON": article(
        "hines1997", "Hines & Carnevale 1997", "Hines, Michael L. and Carnevale, Nicholas T.",
        "The {NEURON} simulation environment", "Neural Computation", 1997, volume="9", number="6",
        pages="1179--1209", doi="10.1162/neco.1997.9.6.1179",
    ),
    "hnn-core": article(
        "neymotin2020", "Neymotin et al. 2020", "Neymotin, Samuel A. and others",
        "{Human} {Neocortical} {Neurosolver} ({HNN}), a new software tool for interpreting the cellular and network "
        "origin of human {MEG}/{EEG} data", "eLife", 2020, volume="9", pages="e51214", doi="10.7554/eLife.51214",
    ),
    "Brian": article(
        "stimberg2019", "Stimberg et al. 2019", "Stimberg, Marcel and Brette, Romain and Goodman, Dan F. M.",
        "{Brian} 2, an intuitive and efficient neural simulator", "eLife", 2019, volume="8", pages="e47314",
        doi="10.7554/eLife.47314",
    ),
    "ANNarchy": article(
        "vitay2015", "Vitay et al. 2015", r"Vitay, Julien and Dinkelbach, Helge {\"U}lo and Hamker, Fred H.",
        "{ANNarchy}: a code generation approach to neural simulations on parallel hardware",
        "Frontiers in Neuroinformatics", 2015, volume="9", pages="19", doi="10.3389/fninf.2015.00019",
    ),
}  # fmt: skip
