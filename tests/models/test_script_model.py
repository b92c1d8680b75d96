"""Models in scripts."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from analyzer.attributions.features import Feature, Features
from analyzer.errors import ConfigError, ModelError, ScriptError
from analyzer.models.model import ModelAccess, open_model

FEATURES = Features((Feature("a"), Feature("b")))
BLOCK = np.array([[1.0, 2.0], [3.0, 4.0]])


def model_of(tmp_path, text, features=FEATURES, model_dir=None):
    path = tmp_path / "model.py"
    path.write_text(dedent(text))
    return open_model(ModelAccess(script=path, model_dir=model_dir), features)


def test_predict_gets_a_frame_of_named_columns(tmp_path):
    model = model_of(tmp_path, "def predict(df): return df['a'] + 10 * df.b")
    assert model.predict(BLOCK).tolist() == [[21], [43]]


def test_texts_come_as_texts_and_missing_ones_as_nan(tmp_path):
    features = Features((Feature("city", ("Ulm", "Wien")), Feature("n")))
    script = "def predict(df): return df.city.map({'Ulm': 1.0, 'Wien': 2.0}).fillna(3) + df.n"
    block = np.array([[0, 0.5], [1, 0.5], [np.nan, 0.5]])
    assert model_of(tmp_path, script, features).predict(block).tolist() == [[1.5], [2.5], [3.5]]


def test_load_is_called_once_with_the_folder_and_handed_on(tmp_path):
    (tmp_path / "factor").write_text("3")
    script = """
        loads = []
        def load(model_dir):
            loads.append(1)
            return float(open(model_dir + '/factor').read())
        def predict(df, factor):
            return df.a * factor + 100 * len(loads)
    """
    for _ in range(2):
        assert model_of(tmp_path, script, model_dir=tmp_path).predict(BLOCK[:1]).tolist() == [[103]]


def test_load_may_take_nothing_and_keep_its_model(tmp_path):
    script = """
        model = None
        def load():
            global model
            model = 7
        def predict(df): return df.a * model
    """
    assert model_of(tmp_path, script).predict(BLOCK).tolist() == [[7], [21]]


@pytest.mark.parametrize("form", ["df.to_numpy()", "df", "df.values.tolist()", "[tuple(r) for r in df.values]"])
def test_several_scores_come_in_any_form(tmp_path, form):
    assert model_of(tmp_path, f"def predict(df): return {form}").predict(BLOCK).tolist() == BLOCK.tolist()


def test_a_script_that_changes_its_frame_does_no_harm(tmp_path):
    model = model_of(tmp_path, "def predict(df):\n  df['a'] = 0\n  df.loc[:, 'b'] = 1\n  return df.b")
    block = BLOCK.copy()
    model.predict(block)
    assert model.predict(block).tolist() == [[1], [1]]


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("return df.a[:1]", ModelError, "predict of model.py (batch 1 of 2 rows) answered 1 x 1 scores for 2 rows"),
        ("return df.a * float('nan')", ModelError, "answered nan for row 1, and for 2 rows in all"),
        ("return ['yes', 'no']", ModelError, "answered with what are no numbers: ['yes', 'no']"),
        ("return None", ModelError, "answered"),
        ("return 0.5", ModelError, "answered 1 x 1 scores for 2 rows"),
        ("raise KeyError('x')", ScriptError, "ANALYZER_MODEL_SCRIPT model.py line 1: KeyError: 'x' (2 rows)"),
        ("import sys; sys.exit(3)", ScriptError, "SystemExit: 3"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, body, kind, said):
    with pytest.raises(kind) as error:
        model_of(tmp_path, f"def predict(df): {body}").predict(BLOCK)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def forecast(df): pass", "lacks predict; it defines forecast"),
        ("def predict(): pass", "cannot be called"),
        ("import nothing_of_the_kind", "does not import"),
        ("def load(model_dir): pass\ndef predict(df): pass", "which is not set"),
        ("def load(): raise OSError('no file')\ndef predict(df): pass", "OSError: no file (load)"),
    ],
)
def test_a_script_that_does_not_load_is_named(tmp_path, text, said):
    with pytest.raises(ScriptError) as error:
        model_of(tmp_path, text)
    assert said in str(error.value)


def test_no_script_and_no_model_are_told_apart(tmp_path):
    with pytest.raises(ScriptError, match="there is no file"):
        open_model(ModelAccess(script=tmp_path / "gone.py"), FEATURES)
    with pytest.raises(ConfigError, match="none is given"):
        open_model(ModelAccess(), FEATURES)
