"""Reads literals with ast.literal_eval and splits lines with shlex, as Ansible does with INI files.

Standard input: {"literals": [...], "lines": [...]}. Standard output: the same with the answers:
for a literal an object whose only key names the type, for a line its words or null.
"""

import ast
import json
import shlex
import struct
import sys
import warnings

warnings.simplefilter("ignore")


class NotShown(Exception):
    """A value that JSON cannot show."""


def typed(value):
    if value is None:
        return {"null": True}
    if isinstance(value, bool):
        return {"bool": value}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": str(struct.unpack("<Q", struct.pack("<d", value))[0])}
    if isinstance(value, bytes):
        return {"str": value.decode()}
    if isinstance(value, str):
        return {"str": value}
    if value is ...:
        return {"str": "..."}
    if isinstance(value, (list, tuple)):
        return {"list": [typed(item) for item in value]}
    if isinstance(value, dict):
        keys = [json.loads(json.dumps({key: 0}, default=str)) for key in value]
        return {"map": {list(key)[0]: typed(item) for key, item in zip(keys, value.values())}}
    # The order of a set changes, a complex number has a form of its own.
    raise NotShown


def literal(text):
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"str": text}
    except Exception as error:
        return {"fails": type(error).__name__}
    try:
        return typed(value)
    except Exception as error:
        return {"fails": type(error).__name__}


def split(line):
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return None


asked = json.load(sys.stdin)
json.dump(
    {
        "literals": [literal(text) for text in asked["literals"]],
        "lines": [split(line) for line in asked["lines"]],
    },
    sys.stdout,
)
