"""Replays a folder of golden vectors: `python -m tests.golden.replay FOLDER [--tokenizer FOLDER]`.

Says which cases are bad and why, and ends with one JSON line. The exit code is 1 if anything is bad.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from tests.golden import model, preprocess, rope, tokenize
from tests.golden.folder import Case, GoldenFolder, Section, Verdict

SECTIONS: dict[str, Section] = {
    "preprocess": preprocess.cases,
    "tokenize": tokenize.cases,
    "rope": rope.cases,
    "model": model.cases,
}

Summary = dict[str, dict[str, int | float]]


def replay(folder: GoldenFolder) -> Summary:
    """Check every case, section by section; a section that the folder does not have counts 0 cases."""
    return {name: _replay_section(name, section, folder) for name, section in SECTIONS.items()}


def _replay_section(name: str, section: Section, folder: GoldenFolder) -> dict[str, int | float]:
    cases = bad = 0
    furthest = 0.0
    for case in section(folder):
        verdict = judge(case)
        cases += 1
        bad += bool(verdict.problems)
        furthest = max(furthest, verdict.logit_diff)
        for problem in verdict.problems:
            say(f"{name}: {case.name}: {problem}")
    counts: dict[str, int | float] = {"cases": cases, "bad": bad}
    return counts | {"max_logit_diff": min(furthest, sys.float_info.max)} if name == "model" else counts


def judge(case: Case) -> Verdict:
    """What is wrong with a case; that it raises is wrong, too."""
    try:
        return case.check()
    except Exception as error:  # noqa: BLE001  (whatever a case raises, the next one is still replayed)
        return Verdict([f"{type(error).__name__}: {error}"])


def say(line: str) -> None:
    """To the person at the terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="tests.golden.replay", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, help="where tokenizer/ lies, if not in the folder itself")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"there is no folder {arguments.folder}")
    torch.set_num_threads(1)  # small matrices: more threads only wait for each other
    summary = replay(GoldenFolder(arguments.folder, arguments.tokenizer))
    say(json.dumps(summary))
    return int(any(section["bad"] for section in summary.values()))


if __name__ == "__main__":
    sys.exit(main())
