"""Deployment files of the original MACE and the commands of ``tools/converter.py`` that read them: convert, run, benchmark, check.

docs/deployment_files.md lists every key and flag. PyYAML and pydantic are needed here and nowhere else in the package: ``import mace``
does not import this folder.
"""
