"""`python -m bench [record] [accept] [read] [--enrollments 1000 100000] [--runs 200]`. --profile: where time goes."""

from __future__ import annotations

import argparse

from bench import databases

DEFAULT_SIZES, DEFAULT_RUNS = (1_000, 100_000), 200
NAMES = ("record", "accept", "read")
READS = "read"  # has another side to compare with: itself without the wall


def main() -> None:
    """Measure, print, and keep the results."""
    options = _parser().parse_args()
    databases.start()
    from bench import running  # noqa: PLC0415 (models can be imported only now)

    for name in options.names or NAMES:
        if name == READS:
            running.run_reads(name, options.enrollments, options.runs)
        elif options.profile:
            running.profile(name, max(options.enrollments), options.runs)
        else:
            running.run(name, options.enrollments, options.runs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="The product beside the same rows in plain SQL.")
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="name", help=" or ".join(NAMES))
    parser.add_argument("--enrollments", nargs="+", type=int, default=DEFAULT_SIZES, metavar="N")
    parser.add_argument("--runs", type=int, default=DEFAULT_RUNS, help="counted pairs per case")
    parser.add_argument("--profile", action="store_true", help="show where the product spends its time instead")
    return parser


if __name__ == "__main__":
    main()
