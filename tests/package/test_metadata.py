"""What the package says of itself, where it is read by other programs."""

from __future__ import annotations

import re
import sys
from email import message_from_string
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parents[2]
# of the Citation File Format 1.2.0 (https://citation-file-format.github.io), in its schema.json
REQUIRED = {"authors", "cff-version", "message", "title"}
KNOWN = REQUIRED | {"abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license"}
KNOWN |= {"license-url", "preferred-citation", "references", "repository", "repository-artifact", "repository-code"}
KNOWN |= {"type", "url", "version"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]  # type: ignore[no-any-return]


def test_the_citation_is_one_and_says_what_the_package_says(project: dict[str, Any]) -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert REQUIRED <= citation.keys() <= KNOWN
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert all(author["name"] for author in citation["authors"])
    said = {key: citation[key] for key in ("title", "version", "license", "keywords", "authors")}
    assert said == {
        **{key: project[key] for key in ("version", "license", "keywords", "authors")},
        "title": project["name"],
    }
    assert citation["abstract"].rstrip(".") == project["description"]


def test_pictures_of_the_readme_are_seen_wherever_it_is_shown() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert [each for each in pictures if not each.startswith("https://")] == []


def test_no_address_is_invented() -> None:
    for file in ("README.md", "pyproject.toml", "CITATION.cff"):
        text = (ROOT / file).read_text()
        assert not re.search(r"example\.(?:com|org)|REPOSITORY_URL|YOUR[_-]", text), file


@pytest.mark.run
def test_the_wheel_has_all_that_the_program_needs_and_nothing_else(wheel: Path, project: dict[str, Any]) -> None:
    with ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
        (info,) = {name.partition("/")[0] for name in archive.namelist()} - {name.partition("/")[0] for name in inside}
        metadata = message_from_string(archive.read(f"{info}/METADATA").decode())
        commands = archive.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    packages = ("orchestrator", "targets", "slurm_templates", "param_optim")
    files = {path for package in packages for path in (ROOT / package).rglob("*") if path.is_file()}
    assert inside == {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert {"orchestrator/py.typed", "param_optim/config.schema.json", "slurm_templates/optimisation.sbatch"} <= inside
    assert (metadata["Name"], metadata["Version"]) == (project["name"], project["version"])
    assert metadata["Author"] == project["authors"][0]["name"]
    assert metadata["License-Expression"] == "MIT"
    assert "[console_scripts]\norchestrator = orchestrator.cli:main" in commands
