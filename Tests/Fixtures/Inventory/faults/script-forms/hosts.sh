#!/bin/sh
cat <<END
{"_meta": {"hostvars": {"a": 1, "lost": {"x": 1}}},
 "g": {"hosts": {"a": 1}}, "h": {}, "i": 5, "j": {"hosts": ["a", 2, ""], "vars": [1], "children": "x"},
 "k": {"hosts": [], "other": 1}, "l": {"children": [1, "k"]}}
END
