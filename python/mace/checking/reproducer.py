"""The smallest model that shows what a check found, with its inputs and what they should give."""

from __future__ import annotations

import os

from mace.arrays import save_arrays
from mace.checking.candidate import Candidate
from mace.checking.check import CheckResult, Culprit
from mace.checking.onnx_cut import OnnxSource
from mace.files import write_atomically

README = """# {title}

{text}.

`in_*.npy` are the inputs of `{file}`, `out_*.npy` is what {runtime} gives for them ({outputs}).

    mace run {file} --input_dir=. --output_dir=got
{more}
Compare `got/out_*.npy` with `out_*.npy`.
"""


def write_reproducer(folder: str, result: CheckResult, culprit: Culprit, candidate: Candidate, is_onnx: bool) -> list[str]:
    """Writes the model of the first thing that was found; what was written. (For a node the model is that node with the reference's
    inputs; for a pass, the models before and behind its run.)"""
    os.makedirs(folder, exist_ok=True)
    files: dict[str, bytes] = {}
    more = ""
    if culprit.node is not None:
        region, wrong = culprit.node.region, next(each for each in culprit.node.tensors if not each.is_right)
        values = result.samples[wrong.sample]
        feeds = {name: values[name] for name in region.inputs}
        outputs = {name: values[name] for name in region.outputs}
        if is_onnx:
            dtypes, shapes = ({n: a.dtype.name for n, a in feeds.items()}, {n: a.shape for n, a in feeds.items()})
            files["node.onnx"] = OnnxSource(candidate.data).cut(dtypes, list(outputs), shapes)
            more = "    mace check node.onnx --input_dir=.\n"
        else:
            files["node.mace"] = candidate.cut(feeds, list(outputs))
    else:
        wrong = next(each for each in result.whole if not each.is_right)
        values = result.samples[wrong.sample]
        feeds = {info.name: values[info.name] for info in result.inputs}
        outputs = {each.tensor: values[each.tensor] for each in result.whole if each.tensor in values}
        if culprit.bad_pass is not None:
            files |= {"after.mace": culprit.bad_pass.after, "before.mace": culprit.bad_pass.before}
            more = "    mace run before.mace --input_dir=. --output_dir=right\n"
        else:
            files["model.mace"] = candidate.convert()[0]
    name = next(iter(files))
    files["README.md"] = README.format(
        title=culprit.name, text=culprit.text, file=name, runtime=result.runtime, outputs=", ".join(outputs), more=more
    ).encode()
    for each, data in files.items():
        write_atomically(os.path.join(folder, each), data)
    save_arrays(folder, "in", list(feeds.values()))
    save_arrays(folder, "out", list(outputs.values()))
    return [os.path.join(folder, each) for each in files]
