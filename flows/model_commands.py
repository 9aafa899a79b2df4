"""The commands below `screening models`.

Comes in: arguments. Goes out: text or JSON, and an exit code.
Refuses: models that are not what they claim.
"""

from pathlib import Path

import click

from flows import show
from flows.cli_options import JSON, MODEL, PROVIDERS
from screening.config import Providers
from screening.errors import ScreeningError

_FOLDERS = click.argument("folders", nargs=-1)


@click.group()
def models() -> None:
    """Look at models, and bring your own.

    \b
    Example:
      screening models verify
      screening models import network.onnx --manifest network.json --out /data/models/ours
      screening models import ai-cac --weights va_non_gated_ai_cac_model.pth --out /data/models/va
    """


def _print(rows: list[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        show.say(show.as_json(rows))
    else:
        show.table("models", list(rows[0]), [list(r.values()) for r in rows])


@models.command("list")
@_FOLDERS
@JSON
def models_list(folders: tuple[str, ...], as_json: bool) -> None:
    """List the models that travel with the program, and those in FOLDERS.

    \b
    Example:
      screening models list /data/models/ours --json
    """
    from flows.model_facts import listed

    rows = listed(folders)
    if not as_json:
        # Labels and terms are long; cards and --json have them.
        rows = [{k: v for k, v in r.items() if k not in ("labels", "terms")} for r in rows]
    _print(rows, as_json=as_json)


@models.command("verify")
@_FOLDERS
@JSON
def models_verify(folders: tuple[str, ...], as_json: bool) -> None:
    """Compare every model file with its manifest: digest, opset, shapes; exit 2 when one differs.

    \b
    Example:
      screening models verify /data/models/ours
    """
    from flows.model_facts import verified

    rows = verified(folders)
    _print(rows, as_json=as_json)
    if not all(r["ok"] for r in rows):
        raise ScreeningError(
            "a model file differs from its manifest; install the package or import the model again"
        )


@models.command("import")
@click.argument("source", metavar="NETWORK.onnx|ai-cac")
@click.option("--manifest", type=click.Path(path_type=Path), help="JSON that describes it.")
@click.option("--weights", type=click.Path(path_type=Path), help="The authors' checkpoint.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
@PROVIDERS
@JSON
def models_import(
    source: str,
    manifest: Path | None,
    weights: Path | None,
    out: Path,
    providers: Providers,
    as_json: bool,
) -> None:
    """Take in a network, run it on a phantom and say what it got.

    NETWORK.onnx goes with --manifest; ai-cac goes with --weights, and needs the extra `import`.

    \b
    Example:
      screening models import network.onnx --manifest network.json --out /data/models/ours
    """
    from flows.model_import import import_model, print_import

    with show.progress() as bars:
        facts = import_model(source, manifest, weights, out, providers, bars)
    if as_json:
        show.say(show.as_json(facts))
    else:
        print_import(facts)


@models.command("bench")
@MODEL
@click.option(
    "--calls",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="Calls of a brought network to time; the scan's time is scaled up from them.",
)
@PROVIDERS
@JSON
def models_bench(model: str, calls: int, providers: Providers, as_json: bool) -> None:
    """Time a model on a phantom, as a ratio to the model that travels with the program.

    \b
    Example:
      screening models bench --model /data/models/ours
    """
    from flows.model_facts import timed

    facts = timed(model, calls, providers)
    if as_json:
        show.say(show.as_json(facts))
    else:
        show.table("bench", ["", "value"], [[k, v] for k, v in facts.items()])
