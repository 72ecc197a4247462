"""Files from strangers: nothing outside is read, nothing is run, nothing unseen is printed."""

from __future__ import annotations

import ast
import json
import pickle
import shutil
import sys
import time
from pathlib import Path

import pytest
from support.payload import Payload
from support.people import squad
from support.places import ROOT

from qabench.base.terminal import reason, safe, visible
from qabench.benchmarks import settings as benchmark
from qabench.benchmarks.settings import BackboneSettings
from qabench.cli import main
from qabench.data.readers import read_file
from qabench.errors import BackboneError, BenchmarkError, DataError, ReportError, RunError
from qabench.reports import report_file
from qabench.reports.rundir import claim, finished, locked
from qabench.runs.importing import ForeignFiles, import_predictions
from qabench.runs.verify import verify
from qabench.scoring.predictions import read_null_odds, read_predictions
from qabench.training.backbone import load_encoder
from qabench.views.tables import render

EVIL = "\x1b]0;x\x07\x1b[31mred\u202e\u2066 \x9b31m"


@pytest.fixture
def run(tmp_path) -> Path:
    """A run directory of an imported system."""
    document = squad(8, seed=2, filler=3)
    asked = [qa for part in document["data"][0]["paragraphs"] for qa in part["qas"]]
    texts = dict.fromkeys((qa["id"] for qa in asked), "Rome")
    for name, content in (("dev", document), ("answers", texts)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), "utf-8")
    files = ForeignFiles("someone", tmp_path / "dev.json", tmp_path / "answers.json")
    return import_predictions(files, tmp_path / "runs")


def change(run: Path, *keys: str, to: object) -> None:
    path = run / report_file.FILE_NAME
    document = json.loads(path.read_text("utf-8"))
    part = document
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = to
    path.write_text(json.dumps(document), "utf-8")


@pytest.fixture
def qabench(monkeypatch, capsys):
    """Runs a command in this process; exit code and all that it printed."""

    def call(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["qabench", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out + said.err

    return call


@pytest.mark.parametrize("name", ["../../../secret", "/etc/passwd", "model/../../x", "a\0b"])
def test_a_report_cannot_make_verify_read_outside_its_directory(name, run):
    change(run, "files", to={name: "0" * 64})
    assert any("leads out of the run directory" in problem for problem in verify(run).problems)


@pytest.mark.parametrize("name", ["raw_predictions.json", "questions.parquet"])
def test_a_link_out_of_a_run_directory_is_not_followed(name, run, tmp_path):
    outside = tmp_path / "outside"
    (run / name).rename(outside)
    (run / name).symlink_to(outside)
    assert any("leads out of the run directory" in problem for problem in verify(run).problems)


def test_a_run_does_not_write_or_delete_through_a_link(tmp_path):
    target = tmp_path / "precious"
    target.mkdir()
    (target / "run.json").write_text('{"seed": 0}')
    link = tmp_path / "seed-0"
    link.symlink_to(target)
    for call in (lambda: claim(link, {"seed": 0}, True), lambda: finished(link, {"seed": 0})):
        with pytest.raises(RunError, match="is a link"):
            call()
    assert (target / "run.json").is_file()


@pytest.mark.parametrize("name", ["checkpoints", "model", "training_log.jsonl", "report.json"])
def test_a_run_directory_with_a_link_in_it_is_not_written_to(name, tmp_path):
    folder, target = tmp_path / "seed-0", tmp_path / "precious"
    claim(folder, {"seed": 0}, False)
    target.mkdir()
    (folder / name).symlink_to(target)
    with pytest.raises(RunError, match=rf"{name} is a link"):
        claim(folder, {"seed": 0}, False)
    claim(folder, {"seed": 0}, True)
    assert [one.name for one in folder.iterdir()] == ["run.json"]
    assert target.is_dir()


@pytest.mark.parametrize("name", [".seed-0.lock", ".seed-0.holder"])
def test_a_lock_is_not_written_through_a_link(name, tmp_path):
    target = tmp_path / "precious"
    target.write_text("all my work")
    (tmp_path / name).symlink_to(target)
    with pytest.raises(RunError, match=rf"{name} is a link"), locked(tmp_path / "seed-0"):
        pass
    assert target.read_text() == "all my work"


def test_an_import_is_not_written_through_a_link(run, tmp_path):
    files = ForeignFiles("linked", tmp_path / "dev.json", tmp_path / "answers.json")
    target = tmp_path / "precious"
    target.mkdir()
    (run.parent / "linked").symlink_to(target)
    with pytest.raises(RunError, match="linked is a link"):
        import_predictions(files, tmp_path / "runs", force=True)
    assert not any(target.iterdir())


def test_nothing_unseen_reaches_the_terminal(run, qabench):
    change(run, "warnings", to=[EVIL])
    change(run, "settings", "note", to=EVIL)
    change(run, "settings", "answers", to={EVIL: EVIL})
    change(run, "plugin", "version", to=EVIL)
    change(run, "files", to={EVIL: "0" * 64})
    for words in (("report", run), ("verify", run), ("report", EVIL), ("score", EVIL, EVIL)):
        _, said = qabench(*words)
        assert said.strip()
        assert not set(said) & set("\x1b\x07\u202e\u2066\x9b")


def test_a_systems_name_is_made_of_letters_that_can_be_read(run):
    for name in (EVIL, "a\n", "<b>", "a|b", "../up", ""):
        change(run, "plugin", "name", to=name)
        with pytest.raises(ReportError, match=r"plugin\.name"):
            report_file.read(run / report_file.FILE_NAME)


def test_text_keeps_its_letters_lines_and_marks_when_made_visible():
    text = "Zoë 東京 e\u0301 🎻\n  two  spaces"
    assert visible(text) == text
    assert safe(text) == "Zoë 東京 e\u0301 🎻 two spaces"
    assert visible(EVIL) == ("⟨U+001B⟩]0;x⟨U+0007⟩⟨U+001B⟩[31mred⟨U+202E⟩⟨U+2066⟩ ⟨U+009B⟩31m")


def test_an_errors_reason_is_its_first_sentence_in_letters_that_can_be_read():
    error = ValueError("\x1b[2JThe file v1.2 is broken. Run anything to fix it.\nThen this.")
    assert reason(error) == "ValueError: ⟨U+001B⟩[2JThe file v1.2 is broken"
    assert reason(EOFError()) == "EOFError"


def test_a_table_in_markdown_is_no_markup(run):
    from qabench.comparison.contests import gather
    from qabench.comparison.leaderboard import tables

    change(run, "warnings", to=["<img src=x> [a](b) | `c`"])
    text = render(tables(gather([run])), "github")
    assert r"\<img src=x\> \[a\](b) \| \`c\`" in text


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (read_predictions, '{"a": "x", "a": "y"}', "'a' twice"),
        (read_null_odds, '{"a": 1, "a": 2}', "'a' twice"),
        (report_file.read, '{"seed": 1, "seed": 2}', "'seed' twice"),
        (read_file, '[{"id": "7", "id": "8", "question": "q"}]', "id '8' has the key 'id'"),
        (read_null_odds, '{"a": NaN}', "'a'"),
        (read_null_odds, '{"a": 1e999}', "'a'"),
        (read_predictions, '{"a": "\\ud800"}', "'a'"),
        (read_predictions, "[" * 100_000, "nested"),
        (report_file.read, "[" * 100_000, "nested"),
        (read_file, "[" * 100_000, "nested"),
        (read_file, '{"data": ' + "1" * 5000 + "}", "number"),
    ],
)
def test_json_that_readers_would_disagree_on_is_refused(read, content, said, tmp_path):
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises((DataError, ReportError)) as error:
        read(path)
    assert said in str(error.value)
    assert "file.json" in str(error.value)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a = " + "1" * 5000, "a = 2020-01-01", "a.b" + ".c" * 3000 + "=1"]
)
def test_a_benchmark_file_that_is_a_trap_is_one_sentence(text, tmp_path):
    path = tmp_path / "trap.toml"
    path.write_text(text)
    with pytest.raises(BenchmarkError, match=r"trap\.toml|nested too deeply"):
        benchmark.load(str(path))


def test_an_encoders_own_code_and_pickled_weights_are_never_run(encoder_folder, tmp_path):
    folder = Path(shutil.copytree(encoder_folder, tmp_path / "encoder"))
    mark = tmp_path / "was_run"
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(BackboneError):
        load_encoder(BackboneSettings(str(folder)))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {"model_type": "mine", "auto_map": {"AutoModel": "mine.Mine", "AutoConfig": "mine.C"}}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "mine.py").write_text(f"import os\nos.mkdir({str(mark)!r})\n")
    with pytest.raises(BackboneError):
        load_encoder(BackboneSettings(str(folder)))
    assert not mark.exists()


UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}


def unsafe(code: str) -> list[str]:
    """Ways in which a module would run what a file says."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [one.name for one in node.names] + [getattr(node, "module", None) or ""]
            found += [name for name in names if name.split(".")[0] in UNSAFE_MODULES]
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {one.arg: ast.unparse(one.value) for one in node.keywords}
            if called in ("eval", "exec", "yaml.load", "os.system"):
                found.append(called)
            if called == "torch.load" and given.get("weights_only") != "True":
                found.append(called)
            found += [
                name
                for name in ("allow_pickle", "trust_remote_code", "shell")
                if given.get(name, "False") != "False"
            ]
    return found


@pytest.mark.parametrize("folder", ["qabench", "plugins"])
def test_no_module_runs_what_a_file_says(folder):
    modules = [path for path in (ROOT / folder).rglob("*.py") if "tests" not in path.parts]
    assert modules
    assert {str(path): ways for path in modules if (ways := unsafe(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "kind.from_pretrained(name, trust_remote_code=flag)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_search_for_such_modules_finds_them(code):
    assert unsafe(code)


def seconds(work) -> float:
    """The least processor time of three."""
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.parametrize("letters", ["word ", "e\u0301", "\u0301", "東", "\t \n", "🎻"])
def test_reading_long_contexts_takes_time_in_proportion(letters, tmp_path):
    def file_of(size: int) -> Path:
        context = "Ada. " + letters * (size // len(letters))
        record = {"id": "a", "question": "Who?", "context": context}
        record["answers"] = [{"text": "Ada", "answer_start": 0}]
        path = tmp_path / f"{size}.jsonl"
        path.write_text(json.dumps(record), "utf-8")
        return path

    small, large = file_of(1_000_000), file_of(4_000_000)
    assert len(read_file(large).examples[0].context) > 3_900_000
    assert seconds(lambda: read_file(large)) < 16 * seconds(lambda: read_file(small))


def test_a_question_may_have_a_hundred_thousand_golds(tmp_path):
    golds = [{"text": "Ada", "answer_start": 0}] * 100_000
    record = {"id": "a", "question": "Who?", "context": "Ada did.", "answers": golds}
    path = tmp_path / "many.jsonl"
    path.write_text(json.dumps(record), "utf-8")
    (example,) = read_file(path).examples
    assert len(example.answers) == 100_000
