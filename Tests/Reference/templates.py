"""Renders templates with the real Jinja2 and Ansible's filters.

Standard input: one JSON object per line, {"template" or "expression": text, "values": {…},
"includes": {name: text}}. Standard output: one JSON object per line, {"text": …}, {"value": …} or
{"error": …}.

The settings are those of Ansible's template module, except that trailing newlines are kept as they
stand. An undefined name is an error, members of what is undefined are undefined, as in Ansible.
"""

import functools
import json
import sys
import warnings

import jinja2
from ansible.plugins.filter import core, mathstuff
from ansible.plugins.test import core as core_tests
from ansible.plugins.test import mathstuff as mathstuff_tests

# Ansible's own wrappers of Jinja2's filters; they know only Ansible's kind of undefined.
JINJA_OWN = {
    "default", "d", "map", "select", "selectattr", "reject", "rejectattr", "groupby", "mandatory",
}


class Undefined(jinja2.StrictUndefined):
    __slots__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key):
        return self


def unrolled(value):
    """Ansible turns what filters yield into lists."""
    if isinstance(value, (list, tuple, str, dict)) or not hasattr(value, "__iter__"):
        return value
    return value if isinstance(value, jinja2.Undefined) else list(value)


def unrolling(function):
    @functools.wraps(function)
    def call(*arguments, **named):
        return unrolled(function(*arguments, **named))

    return call


def environment(includes):
    made = jinja2.Environment(
        undefined=Undefined, trim_blocks=True, keep_trailing_newline=True,
        loader=jinja2.DictLoader(includes))
    for module in (core, mathstuff):
        for name, function in module.FilterModule().filters().items():
            if name not in JINJA_OWN:
                made.filters[name] = function
    for module in (core_tests, mathstuff_tests):
        for name, function in module.TestModule().tests().items():
            if name not in ("defined", "undefined"):
                made.tests[name] = function
    made.filters["zip"] = zip
    for name, function in list(made.filters.items()):
        wrapped = unrolling(function)
        # Which hidden argument a filter takes stands on the function itself.
        wrapped.jinja_pass_arg = getattr(function, "jinja_pass_arg", None)
        if wrapped.jinja_pass_arg is None:
            del wrapped.jinja_pass_arg
        made.filters[name] = wrapped
    return made


def answer(case, plain):
    try:
        made = environment(case["includes"]) if case.get("includes") else plain
        if "expression" in case:
            compiled = made.compile_expression(case["expression"], undefined_to_none=False)
            value = compiled(**case["values"])
            if isinstance(value, jinja2.Undefined):
                return {"error": "undefined"}
            return {"value": unrolled(value)}
        return {"text": made.from_string(case["template"]).render(**case["values"])}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    warnings.simplefilter("ignore")
    sys.set_int_max_str_digits(0)
    plain = environment({})
    for line in sys.stdin.buffer:
        result = answer(json.loads(line), plain)
        try:
            text = json.dumps(result)
        except (TypeError, ValueError) as error:
            text = json.dumps({"error": f"no JSON: {error}"})
        print(text)


main()
