#!/usr/bin/env bash
# How a compute node launches the simulation of one offspring.
#
# Each job renders this template into its own directory, where it can be run again by hand. Every word in braces is a
# key of config_optimisation.yaml: model_dir, any key of the sections simulation, jobs and slurm, such as jobs.ntasks, and
#     setup         the lines of simulation.setup, with what tells which of them fails: between them `set -e` is off
#     threads       simulation.threads
#     launcher      simulation.launcher, or the srun that jobs.ntasks and slurm.mpi ask for; nothing for one process
#     python        simulation.python, with -m mpi4py where there is a launcher
#     run_script    simulation.run_script
#     arguments     simulation.simulator, simulation.threads, and the offspring's parameter file and results directory
#     task          the offspring's task file
# To change more than keys can, copy the file into your model and name it in simulation.launch_script. Examples for
# several kinds of clusters are beside this file, in sites.
set -e
cd {{ model_dir | quote }}
{% for line in setup %}{{ line }}
{% endfor -%}
export ORCHESTRATOR_OFFSPRING={{ task | quote }}
export PYTHONPATH={{ model_dir | quote }}"${PYTHONPATH:+:$PYTHONPATH}"
export OMP_NUM_THREADS={{ threads }}
exec {{ launcher }} {{ python }} {{ run_script | quote }} {{ arguments }}
