"""YAML with the line of every key. Scalars stay text (ON, yes, 0299e5 and 17 are what the file says; the schema knows what it wants),
keys given twice are errors, ${NAME} is the environment's. A file may come from anybody: its size, depth and the size of what its
aliases unfold to are bounded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from mace.deployment.problems import DeploymentError, Problem
from mace.errors import MaceError
from mace.files import open_regular

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 20_000  # also what aliases unfold to
PLAIN_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "!")
ENVIRONMENT = re.compile(r"\$\{(\w*)\}", re.ASCII)


@dataclass
class Node:
    """A value: text (None for an empty one), a list of nodes, or a dict of nodes. `key_lines` holds the line of every key of a dict."""

    value: str | list[Node] | dict[str, Node] | None
    line: int
    key_lines: dict[str, int] = field(default_factory=dict)

    def plain(self) -> Any:
        """The value as Python's strings, lists, dicts and None."""
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return self.value

    def line_of(self, path: tuple[str | int, ...]) -> int:
        """The line of the key or list entry that a path leads to, or of the last one on the way that is there."""
        node, line = self, self.line
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                line, node = node.key_lines[str(step)], node.value[str(step)]
            elif isinstance(node.value, list) and isinstance(step, int) and 0 <= step < len(node.value):
                node = node.value[step]
                line = node.line
            else:
                break
        return line


class _Reader:
    """Makes nodes of the parser's events."""

    def __init__(self, file: str, text: bytes) -> None:
        self._file = file
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._anchors: dict[str, tuple[Node, int, int]] = {}  # with the number of nodes in it, and of levels below it
        self._count = 0
        self._deepest = 0  # level of the node that is being read, or of those below it

    def fail(self, line: int, message: str, key: str = "") -> DeploymentError:
        return DeploymentError([Problem(self._file, line, key, message)])

    def document(self) -> Node:
        root = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self.fail(event.start_mark.line + 1, "a second document begins; one file is one deployment")
                root = self._node(next(self._events), 0)
        return root if root is not None else Node(None, 1)

    def _take(self, count: int, line: int) -> None:
        self._count += count
        if self._count > MAX_NODES:
            raise self.fail(line, f"more than {MAX_NODES} values (with those that aliases repeat); no deployment needs so many")

    def _reach(self, depth: int, line: int) -> None:
        if depth > MAX_DEPTH:
            raise self.fail(line, f"nested more than {MAX_DEPTH} levels deep (with those that aliases repeat)")
        self._deepest = max(self._deepest, depth)

    def _node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self.fail(line, f"the alias *{event.anchor} stands for nothing; define it with &{event.anchor} before")
            node, count, height = self._anchors[event.anchor]
            self._take(count, line)
            self._reach(depth + height, line)
            return node
        outer, self._deepest = self._deepest, depth
        self._reach(depth, line)
        before = self._count
        self._take(1, line)
        if event.tag is not None and event.tag not in PLAIN_TAGS and isinstance(event, yaml.ScalarEvent):
            raise self.fail(line, f"the tag {event.tag!r} is not supported; write the value without a tag")
        if isinstance(event, yaml.ScalarEvent):
            node = Node(self._scalar(event, line), line)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node([], line)
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                node.value.append(self._node(item, depth + 1))
        else:
            node = self._mapping(line, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._count - before, self._deepest - depth)
        self._deepest = max(self._deepest, outer)
        return node

    def _mapping(self, line: int, depth: int) -> Node:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        merged: list[Node] = []
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            at = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarEvent):
                raise self.fail(at, "a key must be a word, not a list, a map or an alias")
            name, value = key.value, self._node(next(self._events), depth + 1)
            if name == "<<" and key.style is None:
                merged += value.value if isinstance(value.value, list) else [value]
                continue
            if name in lines:
                raise self.fail(at, f"the key is there twice, first in line {lines[name]}; remove one", name)
            entries[name], lines[name] = value, at
        for other in merged:  # what stands in the map itself wins
            if not isinstance(other.value, dict):
                raise self.fail(other.line, "'<<' merges maps; this is none", "<<")
            for name, value in other.value.items():
                if name not in entries:
                    entries[name], lines[name] = value, other.key_lines[name]
        return Node(entries, line, lines)

    def _scalar(self, event: Any, line: int) -> str | None:
        if event.style is None and event.value in ("", "~", "null", "Null", "NULL"):
            return None

        def expand(match: re.Match[str]) -> str:
            if match[1] not in os.environ:
                raise self.fail(line, f"${{{match[1]}}} is not in the environment; set it, or write the value")
            return os.environ[match[1]]

        return ENVIRONMENT.sub(expand, event.value)


def read_yaml(path: str) -> Node:
    """The root of a YAML file. Raises :class:`DeploymentError` where it cannot be read or is no YAML."""
    try:
        with open_regular(path) as file:
            text = file.read(MAX_BYTES + 1)
    except MaceError as error:  # a file that cannot be read is as wrong as one that holds nonsense
        raise DeploymentError([Problem("", 0, "", str(error))]) from None
    if len(text) > MAX_BYTES:
        raise DeploymentError([Problem(path, 0, "", f"larger than {MAX_BYTES >> 20} MiB; no deployment file is")])
    reader = _Reader(path, text)
    try:
        return reader.document()
    except DeploymentError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise reader.fail(mark.line + 1 if mark else 0, f"not YAML: {what}; mind indentation and quotes") from None
    except yaml.YAMLError as error:  # bytes that are no text
        position = getattr(error, "position", 0)
        line = text.count(b"\n", 0, position) + 1 if isinstance(position, int) else 0
        raise reader.fail(line, f"not YAML: {getattr(error, 'reason', 'the bytes are no text')}; save it as UTF-8 text") from None
    except (RecursionError, ValueError, OverflowError):
        raise reader.fail(0, "not YAML that can be read") from None
