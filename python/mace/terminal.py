"""What the commands of `mace` print and how they end: text from files and from the command line is shown as it is, but cannot forge
lines or drive the terminal; errors are one line."""

from __future__ import annotations

import contextlib
import difflib
import json
import math
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from mace.errors import MaceError, printable

console = Console(stderr=True)
MAX_PROBLEM_ROWS = 50


def say(text: str, err: bool = False) -> None:
    """Prints one line."""
    click.echo(printable(text), err=err)


def warn(warning: str) -> None:
    """Prints a warning on standard error."""
    say(f"warning: {warning}", err=True)


def print_table(headings: list[str], rows: list[list[str]]) -> None:
    """Prints a table; brackets in its cells are no markup."""
    table = Table(*headings)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)


def tell_repairs(repairs: Iterable[dict[str, str]]) -> None:
    """Prints what a conversion expressed in another way than the source, a line each, on standard error."""
    for repair in repairs:
        say(f"repaired: {repair['node'] or 'the model'}: {repair['reason']}: {repair['action']}", err=True)


def print_problems(problems: Sequence[dict[str, str]]) -> None:
    """Prints what stands in the way of a conversion as a table on standard error; errors that concern no node were told in full."""
    rows = [problem for problem in problems if problem["node"]]
    if not rows:
        return
    table = Table("node", "reason", "what to do")
    for row in rows[:MAX_PROBLEM_ROWS]:
        table.add_row(*(Text(printable(row[key])) for key in ("node", "reason", "action")))
    Console(stderr=True).print(table)
    if len(rows) > MAX_PROBLEM_ROWS:
        say(f"and {len(rows) - MAX_PROBLEM_ROWS} more: --json has all of them", err=True)


@contextlib.contextmanager
def telling_problems(as_json: bool) -> Iterator[None]:
    """A conversion that fails in the block tells all its problems: as JSON on standard output, or as a table."""
    try:
        yield
    except MaceError as error:
        if as_json:
            say(json.dumps({"error": str(error), "problems": list(error.problems)}))
        else:
            print_problems(error.problems)
        raise


def print_values(values: dict[str, Any]) -> None:
    """Prints names and values."""
    Console().print(values)


@contextlib.contextmanager
def progress(text: str, quiet: bool = False) -> Iterator[None]:
    """A spinner with the elapsed time on a terminal; silent elsewhere."""
    if quiet or not console.is_terminal:
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        console.show_cursor(True)  # an interrupt ends the program at once: nobody would bring it back
        bar.add_task(printable(text))
        yield


class Command(click.Command):
    """A command that takes a flag once, where it is not repeatable."""

    def make_parser(self, ctx: click.Context) -> Any:
        """click's parser, which tells the flags in the order they came."""
        parser = super().make_parser(ctx)
        parse_args = parser.parse_args

        def parse_once(args: list[str]) -> Any:
            values, rest, order = parse_args(args)
            for option in order:
                if isinstance(option, click.Option) and not option.multiple and not option.is_eager and order.count(option) > 1:
                    raise click.UsageError(f"{option.opts[-1]} is given more than once.", ctx)
            return values, rest, order

        parser.parse_args = parse_once  # type: ignore[method-assign]
        return parser


class Group(click.Group):
    """Turns MACE's errors into one line and exit status 1, and suggests the nearest command. (A wrong command line is click's
    UsageError: exit status 2.)"""

    command_class = Command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; what fails in it ends the program with status 1."""
        try:
            super().invoke(ctx)
            return None
        except MaceError as error:
            say(f"mace: {error}", err=True)
        except MemoryError as error:
            say(f"mace: out of memory{f': {error}' if str(error) else ''}", err=True)
        sys.exit(1)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command of that name. An unknown one is refused here, not by click: only some versions of click add a suggestion."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            raise click.UsageError(f"No such command '{name}'." + (f" Did you mean '{near[0]}'?" if near else ""), ctx)
        return super().resolve_command(ctx, args)


class FileName(click.Path):
    """The name of a file or folder: not empty. Whether it can be read is found out when it is read (exit status 1)."""

    def __init__(self) -> None:
        super().__init__(readable=False)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The name as it is."""
        if not value:
            self.fail("the name is empty", param, ctx)
        return super().convert(value, param, ctx)


class Size(click.ParamType):
    """Bytes, or a number with k, M or G."""

    name = "BYTES"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """The number of bytes."""
        if isinstance(value, int):
            return value
        match = re.fullmatch("([0-9]{1,20})([kKmMgG]?)", value)
        size = int(match[1]) * 1024 ** " kmg".index(match[2].lower() or " ") if match else 2**64
        if size >= 2**64:
            self.fail(f"{value!r}: expected bytes, or a number with k, M or G (1024, 1024^2, 1024^3 bytes), for example 512M", param, ctx)
        return size


class Seconds(click.ParamType):
    """A time above zero."""

    name = "SECONDS"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """The time in seconds."""
        with contextlib.suppress(ValueError):
            if "_" not in str(value) and math.isfinite(seconds := float(value)) and seconds > 0:
                return seconds
        self.fail(f"{value!r}: expected seconds, more than 0, for example 2.5", param, ctx)


def _discard_output() -> None:
    """What is still buffered for standard output goes nowhere: Python would complain at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def run_program(command: click.Command, name: str) -> None:
    """Runs a command line as a program: errors of the work are one line, an interrupt (Ctrl-C) ends it at once, output that cannot be
    written is an error."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Python's handler would wait until a model that is being loaded or run has come to its end.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.stdout is None:
        say(f"{name}: standard output is closed", err=True)
        sys.exit(1)
    if callable(reconfigure := getattr(sys.stdout, "reconfigure", None)):
        reconfigure(errors="backslashreplace")
    sys.exit(_status_of(lambda: command.main(prog_name=name, standalone_mode=False), name))


def _status_of(work: Callable[[], Any], name: str) -> int:
    try:
        status = work()
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        if error.message and not isinstance(error, click.exceptions.NoArgsIsHelpError):
            error.message = printable(error.message)
        error.show()
        return error.exit_code
    except BrokenPipeError:  # who was reading has seen enough
        _discard_output()
    except OSError as error:
        _discard_output()
        what = "standard output cannot be written" if error.filename is None else str(error.filename)
        say(f"{name}: {what}: {error.strerror or error}", err=True)
    return 1
