"""What is carried over of what a run.py does besides running the model, and what is named instead."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from orchestrator.simulations.mozaik.sources.own_statements import OwnStatements, own_statements

RUN = "run_workflow('S', Model, create_experiments)\n"


def found(tmp_path: Path, text: str) -> OwnStatements:
    script = tmp_path / "run.py"
    end = RUN if text.endswith(RUN) else ""
    script.write_text(textwrap.dedent(text.removesuffix(end)) + end)
    return own_statements(script)


CARRIED = {
    "extensions, and the import that says whose": (
        f"import matplotlib.pyplot, sys\nimport nest\nnest.Install('a')\nnest.Install('b')\n{RUN}",
        ["import nest", "nest.Install('a')", "nest.Install('b')"],
    ),
    "with MPI started before, as it was": (
        f"from mpi4py import MPI\nfrom pyNN import nest\nimport nest\nnest.Install('a')\nfrom mpi4py import MPI\n{RUN}",
        ["from mpi4py import MPI", "import nest", "nest.Install('a')"],
    ),
    "environment": (
        """
        import os
        from os import environ as e
        os.environ["A"] = "1"
        e.setdefault("B", os.path.join("c", "d"))
        del os.environ["C"]
        """
        + RUN,
        [
            "import os",
            "from os import environ as e",
            "os.environ['A'] = '1'",
            "e.setdefault('B', os.path.join('c', 'd'))",
            "del os.environ['C']",
        ],
    ),
    "tables of the simulator": (
        f"from pyNN.nest.cells import UNITS_MAP\nUNITS_MAP.update({{'g_ex': 'nS'}})\nUNITS_MAP['g_in'] = 'nS'\n{RUN}",
        ["from pyNN.nest.cells import UNITS_MAP", "UNITS_MAP.update({'g_ex': 'nS'})", "UNITS_MAP['g_in'] = 'nS'"],
    ),
    "what is imported and never used": (f"import our_neurons\nimport math, mozaik\n{RUN}", ["import our_neurons"]),
    "variables that are needed, and no others": (
        f"import nest\nUNUSED = 3\nA = 'a'\nB = A + '_module'\nnest.Install(B)\n{RUN}",
        ["import nest", "A = 'a'", "B = A + '_module'", "nest.Install(B)"],
    ),
    "loops, conditions and what may fail": (
        """
        import nest
        import sys
        for name in ["a", "b"]:
            nest.Install(name)
        if sys.version_info >= (3, 9):
            nest.Install("c")
        try:
            nest.Install("d")
        except nest.NESTError:
            print("there is no d")
        """
        + RUN,
        [
            "import nest",
            "import sys",
            "for name in ['a', 'b']:",
            "    nest.Install(name)",
            "if sys.version_info >= (3, 9):",
            "    nest.Install('c')",
            "try:",
            "    nest.Install('d')",
            "except nest.NESTError:",
            "    print('there is no d')",
        ],
    ),
    "in the function that runs the model, which others call": (
        """
        import nest

        def simulate():
            nest.Install("b")
            if True:
                nest.Install("c")
                return run_workflow("S", Model, create_experiments)

        def main():
            simulate()

        if __name__ == "__main__":
            nest.Install("a")
            main()
        """,
        ["import nest", "nest.Install('a')", "nest.Install('b')", "nest.Install('c')"],
    ),
    "whatever is repeated, for its effect, and imports once": (
        """
        import nest
        import os
        name = "a"
        nest.Install(name)
        import nest
        name = "b"
        nest.Install(name)
        os.environ["A"] = "1"
        os.environ["A"] = "2"
        os.environ["A"] = "1"
        """
        + RUN,
        [
            *("import nest", "import os", "name = 'a'", "nest.Install(name)", "name = 'b'", "nest.Install(name)"),
            *("os.environ['A'] = '1'", "os.environ['A'] = '2'", "os.environ['A'] = '1'"),
        ],
    ),
    "an import that gives a name its first meaning again": (
        """
        import nest
        from a import name
        nest.Install(name)
        from b import name
        nest.Install(name)
        from a import name
        nest.Install(name)
        """
        + RUN,
        [
            *("import nest", "from a import name", "nest.Install(name)", "from b import name", "nest.Install(name)"),
            *("from a import name", "nest.Install(name)"),
        ],
    ),
    "what a program does and a module does not": (
        f"""
        import nest

        if __name__ == '__main__':
            nest.Install("a")
        else:
            nest.Install("b")
        {RUN}
        """,
        ["import nest", "nest.Install('a')"],
    ),
    "nothing of what has no effect": (
        """
        '''Doc.'''
        import mozaik, logging
        logger = mozaik.getMozaikLogger()
        logger.info("x")
        comm = mozaik.mpi_comm
        if comm:
            print("y")
        def f():
            pass
        """
        + RUN,
        [],
    ),
}


@pytest.mark.parametrize("what", CARRIED)
def test_what_is_safe_is_carried_over(what: str, tmp_path: Path) -> None:
    text, lines = CARRIED[what]
    own = found(tmp_path, text)
    assert own.lines == lines
    assert not own.left
    assert own.after is None


LEFT = {
    "the arguments": "import nest, sys\nnest.Install(sys.argv[1])\n",
    "the arguments by another name": "import nest\nfrom sys import argv\nnest.Install(argv[1])\n",
    "a name that is given another meaning": "import nest\nnest = start()\nnest.Install('a')\n",
    "what a variable made of them needs": "import nest, sys\nname = sys.argv[1]\nnest.Install(name)\n",
    "functions of the script": "def f():\n    pass\nf()\n",
    "what is written": "import os\nos.makedirs('results')\n",
    "mozaik's bookkeeping": "from mozaik.controller import Global\nGlobal.root_directory = 'x'\n",
    "programs": "import subprocess\nsubprocess.run(['make'])\n",
    "names that the text does not give a meaning": "nest.Install('a')\n",
    "what depends on how the script is started": "import nest\nif __name__ != 'nix':\n    nest.Install('a')\n",
    "where the script is": "import sys\nsys.path.append(__file__)\n",
    "loops with anything of it": "import nest, os\nfor each in ['a']:\n    nest.Install(each)\n    os.mkdir(each)\n",
    "what a name is given": "import model\nnumber = model.count()\n",
    "changes of the model's own modules": "import model\nmodel.TABLE['a'] = 1\n",
    "unknown methods of a package": "import nest\nnest.ResetKernel()\n",
}


@pytest.mark.parametrize("what", LEFT)
def test_what_may_do_more_is_named_with_its_line_and_left_out(what: str, tmp_path: Path) -> None:
    own = found(tmp_path, LEFT[what] + RUN)
    assert not own.lines
    *_, said = own.left
    wanted = next((head for head in ("for each", "if ") if f"\n{head}" in LEFT[what]), LEFT[what].splitlines()[-1])
    number = next(n for n, line in enumerate(LEFT[what].splitlines(), 1) if line.startswith(wanted))
    assert said.startswith(f"line {number}, {wanted}")
    assert "Put into simulation.before what simulations need of it" in next(own.notes())


def test_what_comes_afterwards_is_named_unless_it_only_saves(tmp_path: Path) -> None:
    assert found(tmp_path, f"data_store = {RUN}data_store.save()\n").after is None
    assert found(tmp_path, f"data_store = {RUN}data_store.save()\nanalyse(data_store)\n").after == 3
    said = "\n".join(found(tmp_path, f"if True:\n    {RUN}    analyse()\nelse:\n    pass\n").notes())
    assert "from line 3 of run.py on, is not carried over" in said


def test_a_function_that_calls_itself_is_read_once(tmp_path: Path) -> None:
    own = found(tmp_path, f"import nest\ndef main():\n    nest.Install('a')\n    main()\n    {RUN}main()\n")
    assert own.lines == ["import nest", "nest.Install('a')"]
