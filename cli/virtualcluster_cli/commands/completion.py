"""`completion`: what a shell needs to complete commands, options and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from virtualcluster_cli.options import examples


@examples(
    "source <(virtualcluster completion bash)             # in ~/.bashrc",
    "source <(virtualcluster completion zsh)              # in ~/.zshrc",
    "virtualcluster completion fish > ~/.config/fish/completions/virtualcluster.fish",
)
@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL."""
    root = ctx.find_root()
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is not known")
    click.echo(kind(root.command, {}, "virtualcluster", "_VIRTUALCLUSTER_COMPLETE").source())
