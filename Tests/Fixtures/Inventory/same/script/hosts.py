#!/usr/bin/env python3
import json, sys

assert sys.argv[1:] == ["--list"], sys.argv
print(json.dumps({
    "_meta": {"hostvars": {
        "a1": {"x": 1, "nested": {"y": [1.5, None, True]}, "text": "1e3"},
        "a2": {"secret": {"__ansible_vault": "$ANSIBLE_VAULT;1.1"},
               "raw": {"__ansible_unsafe": "{{ x }}"}},
        "b1": {"smile": "\U0001f600", "port": 8080},
    }},
    "alpha": {"hosts": ["a1", "a2", "a[1:2]"], "vars": {"v": "group", "ansible_group_priority": 5}},
    "beta": ["b1", "a1"],
    "parent": {"children": ["alpha", "beta", "new"], "vars": {"v": "parent"}},
    "all": {"vars": {"everywhere": 1e3}},
}))
