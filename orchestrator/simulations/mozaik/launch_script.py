"""The shell script that launches a simulation: a template whose braces hold keys of the configuration."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.paths import AttemptPaths, shipped
from orchestrator.simulations.setup_lines import watched

if TYPE_CHECKING:
    import jinja2

    from orchestrator.simulations.mozaik.options import MozaikOptions
    from orchestrator.simulations.options import SimulationContext

SHIPPED = "slurm_templates/offspring.sh"
# the others are sections of the configuration
PLACEHOLDERS = ("model_dir", "setup", "task", "threads", "launcher", "python", "run_script", "arguments")
# mozaik insists on a name for the run; the results directory's name is made of it
_RUN_NAME = "offspring"


def launch_script(options: MozaikOptions, model_dir: Path, context: SimulationContext, attempt: AttemptPaths) -> str:
    """Return the rendered launch script of one offspring.

    Parameters
    ----------
    options : MozaikOptions
        The section ``simulation``.
    model_dir : pathlib.Path
        Absolute path of the model.
    context : SimulationContext
        What else of the configuration concerns it.
    attempt : AttemptPaths
        The files of the offspring's attempt.
    """
    launcher = context.launcher_for(options.launcher)
    python = options.python or shlex.quote(sys.executable)
    arguments = [
        options.simulator,
        str(options.threads),
        str(attempt.overlay),
        "results_dir",
        repr(f"{attempt.simulation}/"),
        _RUN_NAME,
    ]
    jobs = context.jobs.model_dump(mode="json")
    values = {
        "model_dir": model_dir,
        "setup": watched(options.setup, "simulation.setup"),
        "task": attempt.task,
        "threads": options.threads,
        "launcher": launcher,
        # under MPI one rank's exception must end the others, which wait for it at a barrier
        "python": f"{python} -m mpi4py" if launcher else python,
        "run_script": options.run_script,
        "arguments": shlex.join(arguments),
        "simulation": options.model_dump(mode="json"),
        "jobs": jobs,
        # templates of users name keys of `jobs` by their old place
        "slurm": {**context.slurm.model_dump(mode="json"), **jobs},
    }
    return render(template_path(options.launch_script, model_dir), values)


def template_path(own: Path | None, model_dir: Path) -> Path:
    """Return the template that ``simulation.launch_script`` names, the shipped one if it names none."""
    return model_dir / own if own else shipped(SHIPPED)


def render(template: Path, values: Mapping[str, Any]) -> str:
    """Return the script; a key without a value leaves nothing in its place.

    Raises
    ------
    jinja2.TemplateError
        If `template_problems` has something to say.
    """
    return _template(template.read_text(encoding="utf-8")).render(**values)


def template_problems(template: Path, sections: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, int, str]]:
    """Return what keeps a template from being rendered: text at fault, line and message of each problem.

    Parameters
    ----------
    template : pathlib.Path
        The file that holds the template.
    sections : mapping
        Keys of the sections ``simulation``, ``jobs`` and ``slurm``, by section.
    """
    import jinja2  # noqa: PLC0415  (jobs of functions need none)

    try:
        text = template.read_text(encoding="utf-8")
        _template(text)
    except jinja2.TemplateSyntaxError as error:
        hint = "Braces that are the shell's own go between {% raw %} and {% endraw %}"
        return [("", error.lineno, f"is not a template: {error.message}. {hint}")]
    except (OSError, UnicodeDecodeError) as error:
        return [("", 0, f"cannot be read: {getattr(error, 'strerror', None) or error}")]
    return sorted(_unknown(text, sections), key=lambda problem: problem[1])


def _unknown(text: str, sections: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, int, str]]:
    from jinja2 import nodes  # noqa: PLC0415

    from targets.plugins import nearest  # noqa: PLC0415

    known = [*PLACEHOLDERS, *sections]
    tree, undeclared = _parsed(text)
    for name in tree.find_all(nodes.Name):
        if name.name in undeclared and name.name not in known:
            message = f"unknown placeholder {{{{ {name.name} }}}}{nearest(name.name, known) or '.'} "
            yield name.name, name.lineno, f"{message}Placeholders: {', '.join(known)}"
    for attribute in tree.find_all(nodes.Getattr):
        section = attribute.node.name if isinstance(attribute.node, nodes.Name) else ""
        if section in sections and attribute.attr not in sections[section]:
            dotted = f"{section}.{attribute.attr}"
            keys = [f"{section}.{key}" for key in sections[section]]
            message = f"unknown placeholder {{{{ {dotted} }}}}{nearest(dotted, keys) or '.'} "
            yield dotted, attribute.lineno, f"{message}Keys of {section}: {', '.join(sections[section])}"


@functools.lru_cache(maxsize=8)  # the same for every job of a run
def _template(text: str) -> jinja2.Template:
    return _environment().from_string(text)


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[jinja2.nodes.Template, frozenset[str]]:
    """Return a template's syntax tree, and the names that it does not define."""
    from jinja2 import meta  # noqa: PLC0415

    tree = _environment().parse(text)
    return tree, frozenset(meta.find_undeclared_variables(tree))


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
        finalize=lambda value: "" if value is None else value,
    )
    environment.filters["quote"] = lambda value: shlex.quote(str(value))
    return environment
