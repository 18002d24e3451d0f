"""The command `perennial completion`: scripts that let a shell complete commands, options and files."""

import argparse
import re
from typing import TYPE_CHECKING, Any

from pipeline.commands.arguments import add_command, names_a_file, subparsers_of

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands

SHELLS = ("bash", "zsh", "fish")


def add_parser(commands: "Commands", whole: argparse.ArgumentParser) -> None:
    """Adds `completion` to the command line.

    Args:
        commands: The group.
        whole: The parser of the whole command line; commands may be added to it later.
    """
    parser = add_command(
        commands,
        "completion",
        "print the script by which a shell completes commands, options and files",
        lambda arguments: print(script(whole, arguments.shell)),
        details="The script knows all commands, so that pressing Tab starts no Python. Write it again after an upgrade "
        "of Perennial.",
        examples=[
            "perennial completion bash > ~/.local/share/bash-completion/completions/perennial",
            "perennial completion zsh > ~/.zfunc/_perennial  # a folder of your $fpath",
            "perennial completion fish > ~/.config/fish/completions/perennial.fish",
        ],
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads the script")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Makes the script.

    Args:
        parser: The parser of the whole command line.
        shell: One of `SHELLS`.
    """
    import shtab  # used nowhere else

    _complete_files(parser, shtab.FILE)
    text = str(shtab.complete(parser, shell))
    return _own_commands_only(text, parser, f"_shtab_{parser.prog}") if shell == "zsh" else text


def _complete_files(parser: argparse.ArgumentParser, how: Any) -> None:
    """Marks the arguments that are files, in the way that `shtab` expects."""
    for action in parser._actions:
        if names_a_file(action):
            action.complete = how  # type: ignore[attr-defined]  # an attribute that only shtab knows
    for command in subparsers_of(parser).values():
        _complete_files(command, how)


def _own_commands_only(text: str, parser: argparse.ArgumentParser, prefix: str) -> str:
    """Removes the commands of inner groups from those that zsh offers for the outer group.

    shtab 1.13 lists both for the outer group: `complete_zsh` adds the commands of inner groups to those of the outer
    one. This function may go when shtab no longer does that.
    """
    commands = subparsers_of(parser)
    for function in (f"{prefix}_commands", prefix):
        found = re.search(rf"^{function}\(\) {{\n.*?^}}$", text, flags=re.MULTILINE | re.DOTALL)
        if found:
            own = [
                line
                for line in found[0].splitlines()
                if not (entry := re.match(r"(?: {4}([\w-]+):'| {8}([\w-]+)\) )", line))
                or (entry[1] or entry[2]) in commands
            ]
            text = text[: found.start()] + "\n".join(own) + text[found.end() :]
    for name, command in commands.items():
        text = _own_commands_only(text, command, f"{prefix}_{name}")
    return text
