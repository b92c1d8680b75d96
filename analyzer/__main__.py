"""The entry point: without arguments it does what the environment describes; it alone catches errors."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable

from analyzer.config import JobConfig, Location, find_root, read_config
from analyzer.describe_config import describe
from analyzer.errors import Explained, Stopped
from analyzer.finish import Outcome, exit_code_of, finish, message_of
from analyzer.heed_signals import heed_signals, rest
from analyzer.hosts import Hosts, read_hosts, resource_config
from analyzer.tune_numpy import tune_numpy

log = logging.getLogger("analyzer")
COMPLETING = "_ANALYZER_COMPLETE"
"""The variable by which a shell asks how a command line may go on (docs/commands.md)."""


def main(arguments: list[str] | None = None) -> int:
    """Run the job that environment and flags describe, or a sub-command, and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments and COMPLETING in os.environ:
        from analyzer.commands.completion import complete

        return complete(os.environ[COMPLETING])
    return _obey(arguments) if arguments else run_job({})


def _obey(arguments: list[str]) -> int:
    """Do what the arguments say; a command for people says on the terminal what went wrong."""
    from analyzer.commands import run_command

    _listen()
    tune_numpy()
    try:
        return run_command(arguments)
    except (Exception, Stopped) as error:  # noqa: BLE001 (it is logged, or said)
        outcome = _failed(error)
        if isinstance(outcome.error, Explained):
            sys.stderr.write(f"Error: {outcome.error}\n")
        return exit_code_of(outcome)


def run_job(flags: dict[str, str], *, merges: bool = False) -> int:
    """Run the job and say how it ended, in the message file and by the exit code."""
    _listen()
    place = find_root(os.environ, flags)
    try:
        config = read_config(os.environ, flags, merges=merges, read=_read)
        logging.getLogger().setLevel(config.log_level)
        log.info("Performing %s with input: %s", "merge" if config.merges else "analysis", describe(config))
        hosts = read_hosts(resource_config(config.root))
        if hosts.are_several:
            return _run_on_several(config, hosts)
        return finish(_outcome(_load(config)(config), config), config)
    except (Exception, Stopped) as error:  # noqa: BLE001 (it is logged, and how the job ended)
        return finish(_failed(error), locals().get("config", place))


def _read(place: Location) -> bytes:
    from analyzer.stores import read_whole

    return read_whole(place)


def _run_on_several(config: JobConfig, hosts: Hosts) -> int:
    """Lead the other hosts, or follow the one that leads."""
    tune_numpy()
    if not hosts.is_leader:
        from analyzer.cluster.follow import follow

        heed_signals()
        return follow(config, hosts)
    from analyzer.cluster.lead import Leader

    heed_signals()
    with Leader(config, hosts) as leader:
        outcome = _outcome_of(lambda: _outcome(_load(config)(config, leader), config))
        code = finish(outcome, config)
        leader.tell_end(code, message_of(outcome))
    return code


def _outcome_of(work: Callable[[], Outcome]) -> Outcome:
    try:
        return work()
    except (Exception, Stopped) as error:  # noqa: BLE001 (it is logged, and how the job ended)
        return _failed(error)


def _failed(error: BaseException) -> Outcome:
    """Log where it happened; what a library, as click, makes of a stop in its midst is not how the job ended."""
    rest()
    if Stopped.told is None and not isinstance(error, Explained):
        log.error("An error that was not foreseen; please report it with this trace.", exc_info=error)
    else:
        log.debug("Where it happened:", exc_info=error)
    return Outcome(error=Stopped.told or error)


def _outcome(violations: int, config: JobConfig) -> Outcome:
    return Outcome(is_of_merge=True) if config.merges else Outcome(violations=violations)


def _load(config: JobConfig) -> Callable[..., int]:
    """Import the line of this kind of job."""
    if config.merges:
        from analyzer.merge import merge

        return merge
    return load_job()


def load_job() -> Callable[..., int]:
    """Import what a job needs; none of it is garbage, and looking for some costs a small window a tenth of its time."""
    gc.disable()
    tune_numpy()
    from analyzer.job import run

    gc.freeze()
    gc.enable()
    heed_signals()  # Polars has put a handler of its own in between, with which a wait for workers goes on
    return run


def _listen() -> None:
    """Log to the terminal, and end in order when told to."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)
    heed_signals()


def _is_news(record: logging.LogRecord) -> bool:
    """Tell a record from the traces that libraries log of a stop in the middle of their work."""
    return Stopped.told is None or not record.exc_info or record.name.startswith("analyzer")


if __name__ == "__main__":
    sys.exit(main())
