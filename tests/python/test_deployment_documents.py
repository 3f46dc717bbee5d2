"""What documents say of deployment files is what the program does; its screens fit a terminal; every flag has a test; the zoo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import mace.cli
import pytest
from deployments import CHECKOUT, converter, converter_json
from mace.deployment import commands, documents, schema
from mace.deployment.check import check_file
from mace.deployment.flags import Flag
from test_deployment_convert import NOT_BUILT_YET
from test_deployment_run import NO_EFFECT

ZOO = Path(os.environ.get("MACE_TEST_MODELS", "nowhere")) / "../reference/mace-models"
PAGE = CHECKOUT / "docs/deployment_files.md"


def test_tables_are_as_the_program_is() -> None:
    found = documents.tables(commands.cli)
    page = PAGE.read_text()
    assert re.findall(r"<!-- table: (.*) -->", page) == list(found)
    again = "python -m mace.deployment.documents docs/deployment_files.md writes them anew"
    assert documents.with_tables(page, found) == page, again


def test_every_key_says_what_becomes_of_it() -> None:
    for model in documents.KEY_TABLES.values():
        for name, info in model.model_fields.items():
            extra = info.json_schema_extra
            assert isinstance(extra, dict), name
            assert extra["status"] in (schema.WORKS, schema.NO_EFFECT, schema.NOT_BUILT_YET) and extra["default"], name
            assert info.description and info.description.endswith("."), name


def test_statuses_of_flags_are_tested() -> None:
    """Flags that are not built yet, or have no effect, are those which the tests try."""
    for name, command in commands.cli.commands.items():
        flags = [each for each in command.params if isinstance(each, Flag)]
        later = {each.opts[0] for each in flags if each.status == schema.NOT_BUILT_YET}
        assert later == {flag.partition("=")[0] for flag in NOT_BUILT_YET.get(name, ())}, name
        idle = {each.opts[0] for each in flags if each.status == schema.NO_EFFECT}
        tried = {flag.partition("=")[0] for flag in NO_EFFECT}
        assert idle == {"convert": {"--target_socs", "--debug_mode"}, "check": set()}.get(name, tried), name


def test_every_flag_has_a_test() -> None:
    tests = {
        "convert": ("test_deployment_convert.py", "test_deployment_files.py"),
        "run": ("test_deployment_run.py", "test_deployment_convert.py"),
        "benchmark": ("test_deployment_run.py", "test_deployment_convert.py"),
        "check": ("test_deployment_convert.py",),
    }
    assert set(tests) == set(commands.cli.commands)
    for name, files in tests.items():
        text = "".join((CHECKOUT / "tests/python" / file).read_text() for file in files)
        for each in commands.cli.commands[name].params:
            for option in each.opts if isinstance(each, click.Option) else ():
                assert re.search(rf"{option}\b", text), f"no test of {name} names {option}"


@pytest.mark.parametrize("program", ["mace", "converter.py"])
def test_screens_fit_80_columns(program: str) -> None:
    group = {"mace": mace.cli.cli, "converter.py": commands.cli}[program]
    start = [sys.executable, "-m", "mace.cli"] if program == "mace" else [sys.executable, str(CHECKOUT / "tools/converter.py")]
    for command in ("", *group.commands):
        for columns in ("80", "200"):
            arguments = [*start, *([command] if command else []), "--help"]
            result = subprocess.run(arguments, capture_output=True, text=True, env={**os.environ, "COLUMNS": columns}, check=True)
            wide = [line for line in result.stdout.splitlines() if len(line) > 80]
            assert not wide, f"{program} {command} --help: {wide}"
            assert "Example" in result.stdout or not command, f"{program} {command} --help has no example"


def test_the_package_needs_no_yaml(tmp_path: Path) -> None:
    """`import mace` and the command `mace` work where PyYAML and pydantic are not installed."""
    for module in ("yaml", "pydantic", "onnxruntime"):
        (tmp_path / f"{module}.py").write_text("raise ImportError('not installed')\n")
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    for command in (["-c", "import mace"], ["-m", "mace.cli", "--help"]):
        subprocess.run([sys.executable, *command], check=True, capture_output=True, env={**os.environ, "PYTHONPATH": path})


def test_the_commands_of_the_readme(tmp_path: Path) -> None:
    """They run as they stand there, in a copy of the model's folder."""
    commands_of_readme = re.findall(r"^    python3 tools/converter\.py (.*)$", (CHECKOUT / "README.md").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in commands_of_readme] == ["convert", "run", "benchmark", "check"]
    (tmp_path / "models").symlink_to(CHECKOUT / "models")
    for line in commands_of_readme:
        converter(*line.partition("#")[0].split(), cwd=tmp_path)
    assert (tmp_path / "build/mobilenet_v1/model/mobilenet_v1.mace").exists()
    report = converter_json("run", "--config=models/mobilenet_v1/mobilenet_v1.yml", "--validate", cwd=tmp_path)["models"][0]
    assert report["validation"][0]["similarity"] > 0.9999999 and report["validation"][0]["pixel_accuracy"] == 1.0


def test_the_zoo() -> None:
    """All files of the original's zoo parse, or are refused with a reason; docs/model_zoo.md says so."""
    if not ZOO.is_dir():
        pytest.skip("MACE_TEST_MODELS names no folder beside reference/mace-models: the original's model zoo is not there")
    files = sorted(str(path.relative_to(ZOO)) for path in ZOO.rglob("*.yml"))
    assert len(files) == 55
    page = converter("check", "--target_abis=host", "--markdown", *files, cwd=ZOO).out
    assert page in (CHECKOUT / "docs/model_zoo.md").read_text()
    for file in files:
        for row in check_file(str(ZOO / file), ["host"]):
            assert row.kind != "error" and bool(row.reasons) == (row.kind != "converts"), row
            assert all("line " in reason and "; " in reason for reason in row.reasons), row
