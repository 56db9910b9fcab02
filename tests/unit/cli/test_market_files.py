"""Commands about market files."""

from typer.testing import CliRunner

from mm_env.cli.app import single


def test_migrate_of_a_classic_file_gives_keys_of_the_classic_market(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text("policy: {as_gamma: 0.1, as_T: 1.0}\n")
    found = CliRunner().invoke(single("migrate"), ["--classic", str(path)])
    assert found.exit_code == 0, found.output
    assert path.read_text() == "policy: {risk_aversion: 0.1, as_T: 1.0}\n"


def test_migrate_goes_on_after_a_file_that_is_refused(tmp_path):
    files = [tmp_path / name for name in ("a.yaml", "none.yaml", "b.yaml")]
    for file in (files[0], files[2]):
        file.write_text("policy: {as_k: 1}\n")
    found = CliRunner().invoke(single("migrate"), list(map(str, files)))
    assert found.exit_code == 2
    assert f"{files[1]}: cannot be read" in found.stderr
    assert "as_k → fill_decay" in found.stdout
    assert [file.read_text() for file in (files[0], files[2])] == ["policy: {fill_decay: 1}\n"] * 2
