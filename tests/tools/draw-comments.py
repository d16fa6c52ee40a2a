#!/usr/bin/env python3
"""Draws random doc comments and inline comments from src and hw, to be judged by somebody who does not know the code.

usage: tests/tools/draw-comments.py SEED [DOC [INLINE]]
Prints DOC doc comments (default 200) with the line that each belongs to, then INLINE other comments (default 60) with the
next line.
The same seed draws the same comments from the same tree. See CONTRIBUTING.md, "How we write".
"""

import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks(path):
    """Yields (kind, line number, text, line below) for each block of comment lines of one kind."""
    lines = path.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        start, kind = at, kind_of(lines[at])
        while at < len(lines) and kind and kind_of(lines[at]) == kind:
            at += 1
        if not kind:
            at += 1
            continue
        text = "\n".join(line.strip() for line in lines[start:at])
        below = at
        while below < len(lines) and lines[below].strip().startswith("#["):
            below += 1
        yield kind, start + 1, text, lines[below].strip() if below < len(lines) else ""


def kind_of(line):
    line = line.strip()
    if line.startswith("///"):
        return "doc"
    if line.startswith("//!"):
        return "module"
    return "inline" if line.startswith("//") else None


def main():
    arguments = [int(argument) for argument in sys.argv[1:]]
    if not 1 <= len(arguments) <= 3:
        sys.exit(__doc__)
    seed, wanted_doc, wanted_inline = arguments + [200, 60][len(arguments) - 1 :]
    doc, inline = [], []
    for path in sorted(path for top in ("src", "hw") for path in (ROOT / top).rglob("*.rs")):
        for kind, line, text, below in blocks(path):
            (inline if kind == "inline" else doc).append((path.relative_to(ROOT), line, text, below))
    dice = random.Random(seed)
    print(f"seed {seed}: {wanted_doc} of {len(doc)} doc comments, {wanted_inline} of {len(inline)} inline comments")
    drawn = dice.sample(doc, wanted_doc) + dice.sample(inline, wanted_inline)
    for number, (path, line, text, below) in enumerate(drawn, 1):
        print(f"\n[{number}] {path}:{line}\n{text}\n    {below}")


if __name__ == "__main__":
    main()
