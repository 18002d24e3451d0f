"""Reads Dockerfiles like ours: without heredocs and without escape directives."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = ROOT / "images/pipeline/Dockerfile"


class Instruction(NamedTuple):
    keyword: str
    value: str


class Stage(NamedTuple):
    base: str
    name: str
    instructions: list[Instruction]

    def values(self, keyword: str) -> list[str]:
        return [instruction.value for instruction in self.instructions if instruction.keyword == keyword]

    def assigned(self, keyword: str) -> dict[str, str]:
        """The names and values that `ENV` or `LABEL` sets."""
        words = [word for value in self.values(keyword) for word in shlex.split(value)]
        return dict(word.split("=", 1) for word in words)


def instructions(file: Path) -> list[Instruction]:
    text = "\n".join(line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [Instruction(*line.split(maxsplit=1)) for line in lines if line.strip()]


def stages(file: Path) -> list[Stage]:
    """The stages in order; the name of a stage without a name is empty."""
    found: list[Stage] = []
    for instruction in instructions(file):
        if instruction.keyword == "FROM":
            base, _, name = instruction.value.partition(" AS ")
            found.append(Stage(base, name, []))
        elif found:
            found[-1].instructions.append(instruction)
    return found


def global_arguments(file: Path) -> dict[str, str | None]:
    """ARGs before the first FROM, with their defaults."""
    found: dict[str, str | None] = {}
    for keyword, value in instructions(file):
        if keyword == "FROM":
            break
        name, equals, default = value.partition("=")
        found[name] = default if equals else None
    return found
