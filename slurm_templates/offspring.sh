#!/usr/bin/env bash
# How a compute node launches the simulation of one offspring.
#
# Each job renders this template into its own directory, where it can be run again by hand. The braces hold values of
# config_optimisation.yaml; copy the file into your model and name it in simulation.launch_script to change more.
set -e
cd {{ model_dir | quote }}
{% for line in setup %}{{ line }}
{% endfor -%}
export ORCHESTRATOR_OFFSPRING={{ task | quote }}
export PYTHONPATH={{ model_dir | quote }}"${PYTHONPATH:+:$PYTHONPATH}"
export OMP_NUM_THREADS={{ threads }}
exec {{ launcher }} {{ python }} {{ run_script | quote }} {{ arguments }}
