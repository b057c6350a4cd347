"""`seamark deadletters`: the head of each stream, and giving it up.

As in `seamark.cli`, nothing is imported before it is needed.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import typer

from seamark.cli_recovery import Data, run_command

deadletters: Final = typer.Typer(
    help="The message at the head of each stream of the log, and skipping one that stops it.",
    no_args_is_help=True,
)
SinkName = Annotated[str, typer.Option("--sink", metavar="S", help="rows or archive.")]


@deadletters.command()
def show(
    sink: Annotated[
        str, typer.Option("--sink", metavar="S", help="rows or archive; default both.")
    ] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Streams in which nothing waits, too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
    data: Data = None,
) -> None:
    """Show the message that each sink is to take next of each stream, and whose it is."""
    from seamark.recovery import heads

    async def work(client: Any) -> list[heads.Head]:
        sinks = heads.chosen_sinks(sink)
        return [h for h in await heads.heads(client, sinks=sinks) if every or h.waiting]

    found = _run(work, data)
    print(heads.as_json(found) if json else heads.table(found))


@deadletters.command()
def skip(
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="For instance SEAMARK_events_0.")],
    sink: SinkName = "rows",
    sequence: Annotated[
        int,
        typer.Option(
            metavar="N", help="A message of the block that is being written; default its head."
        ),
    ] = 0,
    data: Data = None,
) -> None:
    """Give up what the sink refuses of the head of a stream, at its next try.

    Refused frames go to the dead letters, whatever the limit, and the ledger counts them; frames
    that the sink takes are stored. Exit code 2: there is nothing to skip.
    """
    from seamark.recovery import heads

    async def work(client: Any) -> heads.Head:
        (chosen,) = heads.chosen_sinks(sink)
        return await heads.skip(client, sink=chosen, stream=stream, sequence=sequence or None)

    head = _run(work, data)
    print(heads.table([head]))
    print(
        f"what {sink} refuses of message {head.sequence} of {stream} goes to the dead letters at "
        "its next try, within half a minute"
    )


def _run(work: Callable[[Any], Awaitable[Any]], data: Any) -> Any:
    from seamark.recovery.positions import open_log
    from seamark.recovery.stack import find

    async def connected() -> Any:
        async with open_log(find(data, os.environ).log) as client:
            return await work(client)

    return run_command(connected)
