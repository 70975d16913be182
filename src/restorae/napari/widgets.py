"""The widgets: forms with a button; the work is done in a thread, so that the window stays usable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restorae.napari.wording import in_plain_words, label
from restorae.restoring.form_fields import FormField
from restorae.restoring.request import RestoreRequest

if TYPE_CHECKING:
    import napari
    from magicgui.widgets import Container, Widget

AUTOMATIC = "automatic"
"""In the list of models: one that suits the image."""
_OPTIONS = ("strength", "repair", "tone", "grain", "self_ensemble", "values")
"""The options of a restoration that have a control; the others are for files."""
_IMAGE, _LABELS = "napari.layers.Image", "napari.layers.Labels"


def restore_widget(napari_viewer: napari.viewer.Viewer) -> Container[Any]:
    """The form to restore a layer: layer, model, labels as mask, and options of `RestoreRequest`."""
    from magicgui.widgets import ComboBox, Container, FileEdit, PushButton, create_widget

    layer = create_widget(annotation=_IMAGE, label="Image")
    model = ComboBox(label="Model", choices=[AUTOMATIC, *model_names()], value=AUTOMATIC)
    own = FileEdit(label="or a model file", filter="*.safetensors *.onnx", nullable=True)
    marks = create_widget(annotation=_LABELS, label=label("mask"), options={"nullable": True})
    options = {each.name: _control(each) for each in _fields()}
    button = PushButton(text="Restore")

    def start() -> None:
        settings = {name: _value(control) for name, control in options.items()}
        chosen = None if model.value == AUTOMATIC else model.value
        chosen = str(own.value) if own.value not in (None, Path()) else chosen
        given = layer.value
        if given is None:
            _complain("choose an image layer first")
            return
        from restorae.napari.work import restore_layer

        _run(
            button,
            lambda: restore_layer(given, model=chosen, marks=marks.value, **settings),
            lambda found: napari_viewer.add_layer(_made(*found)),
        )

    button.changed.connect(start)
    return Container(widgets=[layer, model, own, marks, *options.values(), button])


def train_widget(napari_viewer: napari.viewer.Viewer) -> Container[Any]:
    """The form to train on layers: degraded, clean (or none, for noisy images alone), time, and the model's file."""
    from magicgui.widgets import (
        CheckBox,
        Container,
        FileEdit,
        FloatSpinBox,
        PushButton,
        create_widget,
    )

    degraded = create_widget(annotation=_IMAGE, label="Degraded or noisy")
    clean = create_widget(annotation=_IMAGE, label="Clean partner", options={"nullable": True})
    minutes = FloatSpinBox(label="Minutes", value=10.0, min=0.05, max=10_000, step=1)
    out = FileEdit(label=label("out"), mode="w", value=Path.home() / "own.safetensors")
    overwrite = CheckBox(text=label("overwrite"), value=False)
    button = PushButton(text="Train")

    def start() -> None:
        if degraded.value is None:
            _complain("choose a layer to learn from first")
            return
        layers, settings = (degraded.value, clean.value), {"minutes": minutes.value}
        place, may_replace = Path(out.value), overwrite.value
        from restorae.napari.work import restore_layer, train_on_layers

        def work() -> Any:
            model = train_on_layers(*layers, place, overwrite=may_replace, **settings)
            return restore_layer(layers[0], model=str(model))

        _run(button, work, lambda found: napari_viewer.add_layer(_made(*found)))

    button.changed.connect(start)
    return Container(widgets=[degraded, clean, minutes, out, overwrite, button])


def model_names() -> list[str]:
    """The models and classical methods that restore single images; methods that fill a mask need labels."""
    from restorae.model import bundled, read_card
    from restorae.networks import Network
    from restorae.restoring.classical import all_methods
    from restorae.restoring.opening import PREFIX

    cards = {name: read_card(path) for name, path in bundled().items()}
    models = [
        name
        for name, card in cards.items()
        if card.restores and not Network.of(card.network).neighbours
    ]
    return models + [f"{PREFIX}{kind.kind}" for kind in all_methods()]


def _fields() -> list[FormField]:
    known = {each.name: each for each in RestoreRequest.form_fields()}
    return [known[name] for name in _OPTIONS]


def _control(field: FormField) -> Widget:
    """The control of an option. One that may be unset is a list with an entry for that, or has a box before it."""
    from magicgui.widgets import ComboBox, FloatSlider, LineEdit

    titles: dict[str, Any] = {"name": field.name, "label": label(field.name), "tooltip": field.help}
    if field.kind == "choice":
        choices = [("default", None)] if field.optional else []
        choices += [(str(each), each) for each in field.choices]
        return ComboBox(**titles, choices=choices, value=field.default)
    if field.optional:
        # a slider cannot say that nothing was chosen
        return LineEdit(**titles, value="", nullable=True)
    return FloatSlider(**titles, min=field.low or 0.0, max=field.high or 1.0, value=field.default)


def _value(control: Any) -> Any:
    """What a control says; an empty line is unset."""
    found = control.value
    if not isinstance(found, str) or control.widget_type != "LineEdit":
        return found
    return found.strip() or None


def _run(button: Any, work: Callable[[], Any], use: Callable[[Any], Any]) -> Any:
    """Do work in a thread, and use its result in the window's; the button rests meanwhile."""
    from napari.qt.threading import create_worker

    worker = create_worker(work, _progress={"desc": button.text}, _start_thread=False)
    worker.returned.connect(use)
    worker.errored.connect(lambda error: _complain(in_plain_words(error)))
    worker.finished.connect(lambda: setattr(button, "enabled", True))
    button.enabled = False
    worker.start()
    return worker


def _complain(text: str) -> None:
    from napari.utils.notifications import show_error

    show_error(f"{text[:1].upper()}{text[1:]}")


def _made(values: Any, attributes: dict[str, Any], kind: str) -> Any:
    from napari.layers import Layer

    return Layer.create(values, attributes, kind)
