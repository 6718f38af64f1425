#!/usr/bin/env python3
"""Install a working mozaik 0.1.0 into the environment that runs this program.

The only release of mozaik on PyPI, 0.1.0, is Python 2 source; so is imagen 1.0, which draws its visual stimuli. This
program downloads both with pip, converts them with fissix, applies the substitutions of ``mozaik_patches.py``, builds
a wheel of each and installs it with pip, as version ``0.1.0+py3.<digest of the patches>``. A mozaik that is already
there and is not one of ours is kept untouched.

Usage: ``.venv/bin/python tools/install_mozaik.py`` (needs the extra ``mozaik`` of this project).
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import importlib.metadata
import importlib.util
import logging
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

from mozaik_patches import IMAGEN, MOZAIK, Source

REQUIRED = ("fissix", "lazyarray", "mpi4py", "nest", "neo", "param", "parameters", "pyNN", "quantities", "scipy")
# What the test models and the run script import; whatever breaks shall break here and not in a simulation.
IMPORTS = (
    "mozaik.controller",
    "mozaik.experiments.vision",
    "mozaik.models.vision.spatiotemporalfilter",
    "mozaik.stimuli.vision.topographica_based",
    "mozaik.sheets.population_selector",
    "mozaik.connectors.fast",
    "mozaik.connectors.modular",
    "mozaik.connectors.meta_connectors",
    "mozaik.connectors.vision",
    "mozaik.storage.queries",
    "mozaik.analysis.technical",
)


class InstallError(Exception):
    """Something the user has to know and can act on."""


def main() -> int:
    """Install what is missing; 0 when a usable mozaik is there in the end."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    try:
        foreign = foreign_mozaik()
        if foreign is not None:
            print(f"mozaik {foreign} is installed already and is kept as it is")
            return 0
        missing = [source for source in (IMAGEN, MOZAIK) if installed_version(source.name) != version_of(source)]
        if not missing:
            print(f"mozaik {version_of(MOZAIK)} is installed already")
            return 0
        check_requirements()
        with tempfile.TemporaryDirectory(prefix="install_mozaik_") as scratch:
            wheels = [build(source, Path(scratch)) for source in missing]
            pip("install", "--no-deps", "--no-index", "--force-reinstall", *map(str, wheels))
        check_imports()
    except InstallError as error:
        print(f"install_mozaik: {error}", file=sys.stderr)
        return 1
    print(f"installed mozaik {version_of(MOZAIK)} and imagen {version_of(IMAGEN)}")
    return 0


def installed_version(name: str) -> str | None:
    """Version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def foreign_mozaik() -> str | None:
    """Version (or path) of a mozaik that this program did not install, or None."""
    version = installed_version(MOZAIK.name)
    if version is not None:
        return None if version.startswith(f"{MOZAIK.version}+py3") else version
    spec = importlib.util.find_spec("mozaik")  # a source tree on PYTHONPATH has no metadata
    return f"at {spec.origin}" if spec is not None and spec.origin is not None else None


def version_of(source: Source) -> str:
    """Local version whose last part changes with the patches, so that an edited table installs anew."""
    digest = hashlib.sha256(repr(source).encode()).hexdigest()[:8]
    return f"{source.version}+py3.{digest}"


def check_requirements() -> None:
    """Refuse early when a package is missing that converting or running mozaik needs."""
    missing = [name for name in REQUIRED if importlib.util.find_spec(name) is None]
    if missing:
        raise InstallError(
            f"{', '.join(missing)} not found in {sys.prefix}; install the project's extra first: "
            f"{sys.executable} -m pip install -e '.[mozaik]'"
        )


def check_imports() -> None:
    """Import what a simulation imports, in a process of its own."""
    code = f"import importlib\nfor name in {IMPORTS!r}: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        pip("uninstall", "--yes", MOZAIK.name)  # or the next run would take it for a working one
        raise InstallError(f"mozaik was installed but cannot be imported:\n{tail(done.stderr)}")


def pip(*arguments: str) -> None:
    """Run pip of this environment."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError(f"pip {arguments[0]} failed:\n{tail(done.stderr)}")


def tail(text: str, lines: int = 8) -> str:
    """Last lines of an error output, indented."""
    return "\n".join("    " + line for line in text.strip().splitlines()[-lines:])


def build(source: Source, scratch: Path) -> Path:
    """Wheel of one converted source distribution."""
    tree = download(source, scratch)
    modules = source_files(source, tree)
    check_patches(source, modules)
    files = {name: convert(source, tree / name, name, text) for name, text in modules.items()}
    return write_wheel(source, {**files, **source.new_files}, scratch)


def download(source: Source, scratch: Path) -> Path:
    """Fetch the source distribution through pip's configured index and unpack it."""
    target = scratch / source.name
    target.mkdir()
    pip("download", "--no-deps", "--no-binary", ":all:", "--dest", str(target), f"{source.name}=={source.version}")
    archive = next(target.glob("*.tar.gz"), None)
    if archive is None:
        raise InstallError(f"pip downloaded no source archive of {source.name}=={source.version}")
    with tarfile.open(archive) as tar:
        # pip has unpacked it before us; where Python knows how, nothing outside of the directory is written
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
        tar.extractall(target)
    return target / archive.name.removesuffix(".tar.gz")


def source_files(source: Source, tree: Path) -> dict[str, str]:
    """Text of the modules of the distribution's packages, with the tabs that Python 2 counted as 8 columns expanded."""
    files = {}
    for package in source.packages:
        for path in sorted((tree / package).rglob("*.py")):
            name = path.relative_to(tree).as_posix()
            if name not in source.left_out:
                files[name] = path.read_text(encoding="utf-8").replace("\r\n", "\n").expandtabs(8)
    return files


def check_patches(source: Source, modules: dict[str, str]) -> None:
    """Every patch has to name a file that is there."""
    for patch in source.patches:
        if patch.file not in modules:
            raise InstallError(f"{source.name} {source.version} has no file {patch.file} (patch: {patch.why})")


def convert(source: Source, path: Path, name: str, text: str) -> str:
    """Apply the patches of one module, then convert it to Python 3, and check that it compiles.

    fissix looks at the files beside ``path`` to tell implicit relative imports from absolute ones.
    """
    for patch in source.patches:
        if patch.file == name:
            if patch.old not in text:
                raise InstallError(f"{name}: pattern not found: {patch.old!r} (patch: {patch.why})")
            text = text.replace(patch.old, patch.new)
    text = str(refactoring_tool().refactor_string(text.rstrip() + "\n", str(path)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # escapes in docstrings
            compile(text, name, "exec")
    except SyntaxError as error:
        raise InstallError(f"{name}, line {error.lineno}: still no valid Python 3 after conversion: {error}") from error
    return text


@functools.cache  # loading the grammar takes a second
def refactoring_tool() -> Any:
    """Return the converter, with all default fixers."""
    from fissix.refactor import RefactoringTool, get_fixers_from_package  # noqa: PLC0415 (checked for before)

    logging.getLogger("RefactoringTool").setLevel(logging.ERROR)
    return RefactoringTool(get_fixers_from_package("fissix.fixes"))


def write_wheel(source: Source, files: dict[str, str], scratch: Path) -> Path:
    """Pack modules as a pure-Python wheel (the binary distribution format of PEP 427)."""
    version = version_of(source)
    info = f"{source.name}-{version}.dist-info"
    contents = {name: text.encode() for name, text in files.items()}
    contents[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {source.name}\nVersion: {version}\n"
        f"Summary: {source.name} {source.version}, converted to Python 3\n"
    ).encode()
    contents[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: install_mozaik\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = [f"{name},{record_digest(data)},{len(data)}" for name, data in contents.items()]
    contents[f"{info}/RECORD"] = ("\n".join([*record, f"{info}/RECORD,,"]) + "\n").encode()
    wheel = scratch / f"{source.name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return wheel


def record_digest(data: bytes) -> str:
    """Digest of a file in the notation of RECORD."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    raise SystemExit(main())
