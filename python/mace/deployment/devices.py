"""Devices that run a model: host, and those of device.yml (boards behind ssh), which are known but not built yet."""

from __future__ import annotations

import difflib
import os

from mace.deployment.load import check_keys, problem_at, without_empty
from mace.deployment.locations import read_yaml
from mace.deployment.problems import DeploymentError, NotBuiltYetError, Problem
from mace.deployment.schema import DeviceFileKeys, DeviceKeys

DEFAULT_FILE = "devices.yml"


def load_devices(file: str) -> dict[str, DeviceKeys]:
    """The devices of a device.yml by name; without a name the file devices.yml of the current folder, if it is there."""
    if not file:
        if not os.path.exists(DEFAULT_FILE):
            return {}
        file = DEFAULT_FILE
    root = read_yaml(file)
    without_empty(root)
    keys = check_keys(file, root, DeviceFileKeys)
    problems = []
    for name, device in keys.devices.items():
        if "host" not in device.target_abis and not device.address:
            problems.append(problem_at(file, root, ("devices", name), "has no address; add where ssh finds it"))
    if problems:
        raise DeploymentError(problems)
    return keys.devices


def check_devices(names: str, device_file: str) -> None:
    """Ends with an error where --devices_to_run asks for another device than host."""
    devices = load_devices(device_file)
    for name in filter(None, (part.strip() for part in names.split(","))):
        if name == "host" or (name in devices and "host" in devices[name].target_abis):
            continue
        known = {*devices, *(device.address for device in devices.values() if device.address)}
        if name in known:
            text = f"not built yet: running on {name}; --devices_to_run=host runs here"
            raise NotBuiltYetError([Problem("", 0, "--devices_to_run", text)])
        near = difflib.get_close_matches(name, ["host", *known], 1)
        advice = f"did you mean {near[0]}?" if near else "host is always there, others are in device.yml (phones: not built yet)"
        raise DeploymentError([Problem("", 0, "--devices_to_run", f"no device is called {name!r}; {advice}")])
