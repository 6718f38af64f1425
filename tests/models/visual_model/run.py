"""Run the visual model once: python run.py nest 1 param/defaults 'test'."""

from experiments import create_experiments
from model import VisualModel
from mozaik.controller import run_workflow

data_store, model = run_workflow("VisualModel", VisualModel, create_experiments)
