"""Reads plain scalars with PyYAML's safe loader.

Standard input: a JSON list of texts. Standard output: a JSON list with one object per text, whose
only key names the type; numbers as exact text, so that nothing is lost on the way.
"""

import datetime
import json
import struct
import sys

import yaml


def typed(value):
    if value is None:
        return {"null": True}
    if isinstance(value, bool):
        return {"bool": value}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        if value != value:
            return {"float": "nan"}
        return {"float": str(struct.unpack("<Q", struct.pack("<d", value))[0])}
    if isinstance(value, (datetime.date, datetime.datetime)):
        return {"str": value.isoformat()}
    if isinstance(value, str):
        return {"str": value}
    return {"other": type(value).__name__}


def read(text):
    try:
        return typed(yaml.safe_load("v: " + text + "\n")["v"])
    except (yaml.YAMLError, ValueError, IndexError, TypeError) as error:
        return {"fails": type(error).__name__}


json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
