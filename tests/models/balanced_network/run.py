"""Run the balanced network once: python run.py nest 1 param/defaults 'test'."""

from experiments import create_experiments
from model import BalancedNetwork
from mozaik.controller import run_workflow

data_store, model = run_workflow("BalancedNetwork", BalancedNetwork, create_experiments)
