# -*- coding: utf-8 -*-
"""
Two sheets of layer 4 with input from the LGN, written in the style of today's mozaik; 0.1.0 does not run it.

    mpirun -n 4 python run.py nest 1 param/defaults 'test'
"""
import matplotlib

matplotlib.use("Agg")
import mozaik
from experiments import create_experiments
from model import LayerFour
from mozaik.controller import run_workflow
from mpi4py import MPI

import nest

nest.Install("stepcurrentmodule")
from pyNN.nest.cells import UNITS_MAP

UNITS_MAP.update({"g_ex": "nS", "g_in": "nS"})

mpi_comm = MPI.COMM_WORLD

data_store, model = run_workflow("LayerFour", LayerFour, create_experiments)

if mpi_comm.rank == 0:
    data_store.save()
