# -*- coding: utf-8 -*-
"""
Two sheets of layer 4 with input from the LGN, written in the style of today's mozaik; 0.1.0 does not run it.

    mpirun -n 4 python run.py nest 1 param/defaults 'test'
"""
import matplotlib

matplotlib.use("Agg")

import mozaik.controller
from experiments import create_experiments
from model import LayerFour as Network

if True:
    data_store, model = mozaik.controller.run_workflow("LayerFour", Network, create_experiments=create_experiments)
    data_store.save()
else:
    data_store = None
