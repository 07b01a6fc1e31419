"""The command line: every verb, with JSON and CSV that other programs can read.

Results go to stdout and nothing else does; progress and complaints go to stderr. The exit code is 0 only
when every input was done, and 2 for bad usage or bad input, with one line that says what was wrong.
"""

import os
import sys
import warnings

import typer

from zoo.cli import (  # noqa: F401  commands
    audio,
    batch,
    benchmark,
    catalog,
    exchange,
    inference,
    notes,
    search,
    serve,
    training,
)
from zoo.cli.console import app, complain
from zoo.core.errors import InputError, ZooError
from zoo.core.extras import optional_libraries


def main() -> None:
    """Run the command line; a `ZooError` or wrong usage becomes one line on stderr and exit code 2."""
    warnings.simplefilter("ignore")  # of libraries; what the zoo has to say is an error or a result
    try:
        with optional_libraries():
            sys.exit(app(prog_name="zoo", standalone_mode=False) or 0)
    except typer.TyperException as error:
        complain(InputError(_usage(error)))
        sys.exit(2)
    except ZooError as error:
        complain(error)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # of stdout: a full disk, or a reader, such as `head`, that is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python still flushes
        if isinstance(error, BrokenPipeError):
            sys.exit(141)
        complain(InputError(f"The output cannot be written: {error.strerror or error}."))
        sys.exit(2)


def _usage(error: typer.TyperException) -> str:
    """Return what is wrong with the arguments, and how to list the right ones."""
    sentence = error.format_message()
    context: typer.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else "zoo"
    return f"{sentence if sentence.endswith(('.', '?')) else f'{sentence}.'} See `{command} --help`."
