#!/usr/bin/env bash
# How a compute node launches the simulation of one offspring with mpirun.
set -e
cd {{ model_dir | quote }}
{% for line in setup %}{{ line }}
{% endfor -%}
export ORCHESTRATOR_OFFSPRING={{ task | quote }}
export PYTHONPATH={{ model_dir | quote }}"${PYTHONPATH:+:$PYTHONPATH}"
export OMP_NUM_THREADS={{ threads }}
# mpirun of Open MPI hands only those variables on to other nodes that it is told
exec {{ launcher }} -n {{ jobs.ntasks }} -x ORCHESTRATOR_OFFSPRING -x PYTHONPATH -x OMP_NUM_THREADS \
    {{ python }} {{ run_script | quote }} {{ arguments }}
