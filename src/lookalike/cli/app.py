"""The commands put together, and what every error becomes: one line and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lookalike import __version__
from lookalike.cli.compare import compare
from lookalike.cli.duplicates import duplicates
from lookalike.cli.evaluate import evaluate
from lookalike.cli.index import index
from lookalike.cli.info import info
from lookalike.cli.keep import check, remove
from lookalike.cli.learn import learn
from lookalike.cli.map import map_
from lookalike.cli.methods import methods
from lookalike.cli.migrate import migrate
from lookalike.cli.models import models
from lookalike.cli.options import COLLECTION_VARIABLE
from lookalike.cli.search import search
from lookalike.cli.serve import serve
from lookalike.cli.shards import describe, merge
from lookalike.errors import ImageError, LookalikeError, QueryError

FAILED, WRONG = 1, 2


UsageError: Any = typer.BadParameter.__mro__[1]  # typer has it and does not export it


class Commands(TyperGroup):
    """Foreseen errors as one line each; unforeseen ones keep their traceback, so that they can be reported."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        try:
            return super().make_context(*args, **options)
        except UsageError as error:
            raise _misused(error) from error

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise _misused(error) from error
        except LookalikeError as error:
            typer.echo(f"lookalike: {error}", err=True)
            raise typer.Exit(WRONG if isinstance(error, QueryError | ImageError) else FAILED) from error


def _misused(error: Any) -> Exception:
    """An option or argument that is wrong, in one line; with nothing after the command its help is the answer."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return error  # type: ignore[no-any-return]
    message = " ".join(error.format_message().split()).removesuffix(".")
    command = error.ctx.command_path if error.ctx else "lookalike"
    typer.echo(f"lookalike: {message[:1].lower()}{message[1:]}; see {command} --help", err=True)
    return typer.Exit(WRONG)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # '.[map]' in a help text is no markup
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="Exit codes: 0 done, 1 could not be done, 2 asked wrongly, 130 interrupted. "
    "More about a command: lookalike COMMAND --help",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lookalike {__version__}")
        raise typer.Exit


@app.callback()
def common(
    ctx: typer.Context,
    collection: Annotated[
        Path | None,
        typer.Option(
            "--collection",
            "-c",
            "--store",
            metavar="DIR",
            envvar=COLLECTION_VARIABLE,
            help="Directory of the collection, or milvus://HOST:PORT/NAME; may also follow the command. "
            "Default: one in your user data directory.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Find pictures by looking at them: where a copy comes from, what looks like it, what shows what you describe.

    Start with: lookalike index FOLDER, then: lookalike search PICTURE
    """
    ctx.obj = collection


for command in (index, learn, search, serve, compare, evaluate, info, remove, check, methods, describe, merge, migrate):
    app.command()(command)
app.command("map")(map_)
app.add_typer(duplicates, name="duplicates")
app.add_typer(models, name="models")
