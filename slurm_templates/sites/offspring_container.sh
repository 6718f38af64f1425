#!/usr/bin/env bash
# How a compute node launches the simulation of one offspring in an Apptainer image: the processes are started outside,
# each in a container of its own, which sees the model's directory under the same path.
set -e
cd {{ model_dir | quote }}
{% for line in setup %}{{ line }}
{% endfor -%}
# Apptainer hands the environment on to the container.
export ORCHESTRATOR_OFFSPRING={{ task | quote }}
export PYTHONPATH={{ model_dir | quote }}
export OMP_NUM_THREADS={{ threads }}
exec {{ launcher }} apptainer exec --bind {{ model_dir | quote }} --pwd {{ model_dir | quote }} \
    {{ model_dir | quote }}/mozaik.sif {{ python }} {{ run_script | quote }} {{ arguments }}
