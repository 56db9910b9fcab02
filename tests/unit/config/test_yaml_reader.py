"""The reader of YAML: what is malformed is a `yaml.YAMLError`, whatever is wrong with it."""

import pytest
import yaml

from mm_env.config.yaml_reader import parse_yaml


@pytest.mark.parametrize(
    "text, said",
    [
        ("!!float x", "value 'x': expected what its tag !!float says"),
        ("a: [!!float '']", "value '': expected what its tag !!float says"),
        ("!!bool x", "value 'x': expected what its tag !!bool says"),
        ("!!int x", "value 'x': expected what its tag !!int says"),
        ("[" * 5000, "nested too deeply"),
        ("- " * 5000, "nested too deeply"),
        ("{a: " * 5000, "nested too deeply"),
        ("a: \0", "special characters are not allowed"),
    ],
)
def test_malformed_text_is_a_yaml_error(text, said):
    with pytest.raises(yaml.YAMLError) as caught:
        parse_yaml(text)
    assert said in str(caught.value)
