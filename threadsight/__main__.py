"""Where the `threadsight` command and `python -m threadsight` begin. It imports nothing, so that Ctrl-C finds it there."""

import sys


def main() -> None:
    """The console script: a plain sentence and an exit status, whatever happens."""
    try:
        from threadsight import cli  # noqa: PLC0415 - the reason for this file

        cli.main()
    except KeyboardInterrupt:  # before typer was there to catch it
        sys.exit(130)


if __name__ == "__main__":
    main()
