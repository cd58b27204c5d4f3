"""`tivo completion`: names by the tab key."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and topics in your shell.

    \b
    bash:  eval "$(tivo completion bash)"     in ~/.bashrc
    zsh:   eval "$(tivo completion zsh)"      in ~/.zshrc
    fish:  tivo completion fish | source      in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, f"{shell} is one of the choices"
    click.echo(kind(context.find_root().command, {}, "tivo", "_TIVO_COMPLETE").source())
