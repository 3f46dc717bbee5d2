"""Pipeline files: the steps of :mod:`mace.pipeline` as YAML, for ``mace convert --pipeline`` (docs/pipelines.md)."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from typing import Any

from mace.errors import InvalidArgumentError
from mace.files import read_file
from mace.pipeline import STEPS, Step, field_names

MAX_BYTES = 1 << 20
MAX_MESSAGE = 400
MAX_SHOWN = 80  # characters of a word of the file in a message


class PipelineFileError(InvalidArgumentError):
    """A pipeline file is not what was expected; the message begins with FILE:LINE."""


def _shown(word: str) -> str:
    return repr(word if len(word) <= MAX_SHOWN else f"{word[:MAX_SHOWN]}...")


def _suggestion(word: str, known: Iterable[str]) -> str:
    known, word = list(known), word[:MAX_SHOWN]
    close = difflib.get_close_matches(word, known, 1, 0.5) or [k for k in known if k.lower() == word.lower()]
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"


class _File:
    """One file while it is read."""

    def __init__(self, path: str) -> None:
        import yaml

        self.path = path
        self.folder = os.path.dirname(path)
        self.constructor = yaml.SafeLoader("")

    def fail(self, node: Any, message: str) -> PipelineFileError:
        if len(message) > MAX_MESSAGE:  # a field's value of a megabyte
            message = f"{message[: MAX_MESSAGE // 2]} ... {message[-MAX_MESSAGE // 2 :]}"
        return PipelineFileError(f"{self.path}:{node.start_mark.line + 1}: {message}")

    def entries(self, node: Any, what: str) -> list[tuple[Any, Any]]:
        """(key node, value node) of a mapping whose keys are different words."""
        import yaml

        if not isinstance(node, yaml.MappingNode):
            raise self.fail(node, f"expected {what}")
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.fail(key, "a key must be a word")
            if key.value in seen:
                raise self.fail(key, f"the key {_shown(key.value)} stands here twice")
            seen.add(key.value)
        return node.value

    def plain(self, node: Any, inside: bool = False) -> Any:
        """The scalar or list of scalars that a field holds."""
        import yaml

        if isinstance(node, yaml.SequenceNode) and not inside:
            return [self.plain(item, inside=True) for item in node.value]
        if not isinstance(node, yaml.ScalarNode) or node.tag not in SCALARS:
            raise self.fail(node, "expected a number, text, true or false, or a list of them")
        try:
            return self.constructor.construct_object(node)
        except (ValueError, yaml.YAMLError):
            raise self.fail(node, f"{_shown(node.value)} is not a value") from None

    def step(self, node: Any) -> Step:
        import yaml

        if isinstance(node, yaml.ScalarNode):  # a step with nothing to say: - Softmax
            name, fields = node, []
        else:
            pairs = self.entries(node, "a step: its name and its fields, for example Resize: {height: 224, width: 224}")
            if len(pairs) != 1:
                raise self.fail(node, "expected one step behind each dash")
            name, value = pairs[0]
            fields = self.entries(value, f"the fields of {_shown(name.value)}, for example {{axis: 1}}")
        if name.value not in STEPS:
            raise self.fail(name, f"there is no step {_shown(name.value)}; {_suggestion(name.value, STEPS)}")
        kind = STEPS[name.value]
        values = {}
        for key, value in fields:
            if key.value not in field_names(kind):
                raise self.fail(key, f"{name.value} has no field {_shown(key.value)}; {_suggestion(key.value, field_names(kind))}")
            values[key.value] = self.plain(value)
            if key.value in ("labels", "characters") and isinstance(values[key.value], str):
                values[key.value] = os.path.join(self.folder, values[key.value])  # beside the pipeline file
        try:
            return kind(**values)
        except InvalidArgumentError as error:
            raise self.fail(name, str(error)) from None
        except TypeError:
            needed = [field for field in field_names(kind) if field not in values and not hasattr(kind, field)]
            raise self.fail(name, f"{name.value} needs {', '.join(needed)}") from None

    def pipelines(self, node: Any) -> dict[str, list[Step]]:
        import yaml

        result = {}
        for name, steps in self.entries(node, "tensor names, each with a list of steps"):
            if not isinstance(steps, yaml.SequenceNode):
                raise self.fail(steps, f"expected a list of steps for {_shown(name.value)}, a line with a dash each")
            result[name.value] = [self.step(step) for step in steps.value]
        return result


SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "str", "null")}


def read_pipeline_file(path: str) -> dict[str, dict[str, list[Step]]]:
    """``preprocess`` and ``postprocess`` of a pipeline file, for :func:`mace.convert`. Errors name file and line and, where a word is
    not known, the one that was probably meant."""
    import yaml

    data = read_file(path)
    if len(data) > MAX_BYTES:
        raise PipelineFileError(f"{path}: is larger than {MAX_BYTES} bytes")
    file = _File(path)
    try:
        root = yaml.compose(data.decode(), yaml.SafeLoader)
        if root is None:
            raise PipelineFileError(f"{path}: is empty; expected preprocess and postprocess")
        result = {}
        for key, value in file.entries(root, "the keys preprocess and postprocess"):
            if key.value not in ("preprocess", "postprocess"):
                raise file.fail(key, f"there is no key {_shown(key.value)}; {_suggestion(key.value, ('preprocess', 'postprocess'))}")
            result[key.value] = file.pipelines(value)
        return result
    except UnicodeDecodeError:
        raise PipelineFileError(f"{path}: is not UTF-8 text") from None
    except RecursionError:
        raise PipelineFileError(f"{path}: is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise PipelineFileError(f"{path}{line}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise PipelineFileError(f"{path}: {str(error).splitlines()[0]}") from None
