"""`python -m qms_mcp` and the command `qms-mcp`."""

import sys


def main() -> None:
    """Run the command line."""
    from qms_mcp.cli import run  # noqa: PLC0415 - so that importing this module costs nothing

    sys.exit(run())


if __name__ == "__main__":
    main()
