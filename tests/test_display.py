"""What values show of themselves at a prompt and in a notebook."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import restorae
from restorae.display import text_table
from restorae.model.history import History


class Balanced(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def text_of(value):
    parser = Balanced()
    parser.feed(value._repr_html_())
    assert not parser.open
    return parser.text


@pytest.fixture(scope="module")
def shown():
    model = restorae.load("digits-denoiser")
    test_set = restorae.TestSet(
        np.full((3, 28, 28, 1), 0.5), degradation="gaussian-noise(sigma=0.1)"
    )
    recipe = restorae.Recipe(clean="a<b", degradation="gaussian-noise(sigma=0.2)", steps=3)
    evaluation = restorae.evaluate(model, test_set)
    return {"model": model, "card": model.card, "recipe": recipe, "evaluation": evaluation,
            "history": model.history, "test set": test_set, "classical": restorae.load("classical:nlm")}  # fmt: skip


def test_reprs_are_short_and_say_what_it_is(shown):
    words = {"model": "digits-denoiser", "card": "377,796", "recipe": "sigma=0.2", "evaluation": "restored",
             "history": "mse", "test set": "3 images", "classical": "nlm"}  # fmt: skip
    for name, value in shown.items():
        assert words[name] in repr(value)
        assert len(repr(value)) < 700, name
        assert "object at 0x" not in repr(value)


def test_html_is_well_formed_and_escaped(shown):
    for name in ("model", "card", "recipe", "evaluation", "history", "classical"):
        assert len(text_of(shown[name])) < 2000, name
    assert "a<b" in text_of(shown["recipe"])
    assert "degraded" in text_of(shown["evaluation"])
    assert "377,796" in text_of(shown["model"])


def test_a_repr_of_settings_rebuilds_them(shown):
    from restorae.degradations import GaussianNoise

    recipe = shown["recipe"]
    assert eval(repr(recipe), {"Recipe": restorae.Recipe, "GaussianNoise": GaussianNoise}) == recipe


def test_tab_shows_what_is_for_the_user(shown):
    for name, most in (("model", 16), ("recipe", 40)):
        public = [each for each in dir(shown[name]) if not each.startswith("_")]
        assert len(public) <= most
        assert not {"parse_raw", "model_dump_json", "bytes_per_pixel", "check_restores"} & {*public}
        assert all(hasattr(shown[name], each) for each in public)


def test_a_history_is_a_table():
    rows = [{"step": float(10 * n), "epoch": n / 2, "loss": 1 / n} for n in range(1, 21)]
    history = History([*rows, {"step": 210.0, "psnr": 20.5}])
    assert history.columns == ("step", "epoch", "loss", "psnr")
    assert history["loss"][:2] == [1.0, 0.5]
    assert history["loss"][-1] is None
    assert history[0] == {"step": 10, "epoch": 0.5, "loss": 1.0}
    assert isinstance(history[0]["step"], int)
    assert len(history[:3]) == 3
    lines = repr(history).splitlines()
    assert len(lines) == 12
    assert len({len(line) for line in lines}) == 1
    assert "20.5" in text_of(history)
    with pytest.raises(KeyError, match=r"epoch, loss"):
        history["lose"]
    assert History([]).columns == ()


def test_a_history_becomes_a_data_frame():
    pandas = pytest.importorskip("pandas")
    history = History([{"step": 1.0, "loss": 0.5}, {"step": 2.0, "loss": 0.25}])
    frame = pandas.DataFrame(history)
    assert list(frame.columns) == ["step", "loss"]
    assert frame["loss"].tolist() == [0.5, 0.25]


def test_columns_of_a_table_are_aligned():
    assert (
        text_table(["a", "long"], [[1, 2.5], [1000, "x"]])
        == "    a  long\n    1   2.5\n1,000     x"
    )
