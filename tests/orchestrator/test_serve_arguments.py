"""What a user may tell a server that is started here, and what not: above all no secret."""

import pytest

from orchestrator.serve_arguments import find_argument_problems
from tests.support.token_search import TOKEN


def told(text, token=None):
    return [problem.what for problem in find_argument_problems(text, token)]


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("--api-key secret0value", "--api-key"),
        ("--api_key=secret0value", "--api-key"),
        ("--api-ke secret0value", "--api-key"),
        ("--api-keysecret0value", "--api-key"),
        (f"--hf-token {TOKEN}", "--hf-token"),
        (f"--hf_token={TOKEN}", "--hf-token"),
        (f"--hf-t {TOKEN}", "--hf-token"),
        ("--hf-token", "--hf-token"),
        ("--ssl-keyfile-password secret0value", "--ssl-keyfile-password"),
        ("--ssl-keyfile_p=secret0value", "--ssl-keyfile-password"),
        (f"--load-format {TOKEN}", "a token of the hub"),
        (f"--load-format={TOKEN}", "a token of the hub"),
        ("hf_X", "a token of the hub"),
        ("--store-password secret0value", "--store-password"),
        ("--Redis_PASSWD=secret0value", "--Redis-PASSWD"),
        ("--passwordsecret0value", "--password"),
        ("--admin-api-key secret0value", "--admin-api-key"),
        ("--aws-secret-access-key secret0value", "--aws-secret"),
        ("--token secret0value", "--token"),
        ("--registry-token secret0value", "--registry-token"),
        ("--kv-transfer-config.auth_token secret0value", "--kv-transfer-config.auth-token"),
        ('--x \'{"a": {"api_key" : "secret0value"}}\'', "api_key"),
        ('--x=\'{"Authorization": "Bearer secret0value"}\'', "Authorization"),
        ("--env STORE_PASSWORD=secret0value", "STORE_PASSWORD"),
        ("--store redis://me:secret0value@host:6379", "a password in an address"),
        (f'--model-loader-extra-config \'{{"key": "{TOKEN}"}}\'', "a token of the hub"),
    ],
)
def test_a_secret_is_refused_however_it_is_written_and_not_repeated(text, flag):
    (what,) = told(text)
    assert what == f"{flag} would stand in the list of processes, for everybody to read"


def test_every_secret_is_told_at_once():
    text = "--api-key secret0value --hf-token secret0value --api_key=secret1value"
    assert [what.split()[0] for what in told(text)] == ["--api-key", "--hf-token"]


def test_the_token_in_force_is_known_whatever_it_looks_like():
    assert told("--revision own0token0of0mine", token="own0token0of0mine") != []
    assert told("--revision own0token0of0mine", token=None) == []
    assert told("--revision x", token="x") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--model org/other", "--model is set for each run"),
        ("--served_model_name x", "--served-model-name is set for each run"),
        ("--served x", "--served is short for --served-model-name, which is set for each run"),
        # It could be the beginning of a secret's name too.
        ("--s x", "--s is short for --served-model-name, which is set for each run"),
        ("--po=1", "--po is short for --port, which is set for each run"),
    ],
)
def test_what_each_run_sets_is_refused_however_it_is_written(text, said):
    assert told(text) == [said]


@pytest.mark.parametrize(
    "text",
    [
        "--max-model-len 16384 --hf-overrides '{\"hf_config\": 1}' --hf_overrides.rope_theta 2",
        "--seed 1 --tokenizer-mode hf --model-impl transformers -tp 2 -O3",
        "--max_num_batched_tokens=4096 --ssl-keyfile /x --api-server-count 2",
        "--api-key-file /x --secrets-dir /x --tls-private-key-path=/x --allow-credentials",
        "--long-prefill-token-threshold 1 --return-tokens-as-token-ids --hf-overrides.pad_token x",
        '--hf-overrides \'{"image_token": "<i>", "a": 1}\' --tokenizer x --store http://h:1/a@b',
    ],
)
def test_everything_else_is_the_users_to_say(text):
    assert told(text) == []
