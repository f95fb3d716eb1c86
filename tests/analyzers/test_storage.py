"""Folders of results: two calls at once, a file in their place."""

from pathlib import Path

import pytest

from analyzers.storage import prepare_folder


def test_two_calls_may_try_a_folder_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch = Path.touch

    def touched_and_removed_by_another(path: Path) -> None:
        touch(path)
        path.unlink()

    monkeypatch.setattr(Path, "touch", touched_and_removed_by_another)
    assert prepare_folder(tmp_path / "new") == tmp_path / "new"
    assert list((tmp_path / "new").iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "results"
    file.write_text("kept")
    with pytest.raises(ValueError, match=r"--out .*results': it is a file"):
        prepare_folder(file)
    assert file.read_text() == "kept"
