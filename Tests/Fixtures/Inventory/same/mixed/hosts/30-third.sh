#!/bin/sh
echo '{"_meta": {"hostvars": {"m4": {"x": "script"}}}, "web": {"hosts": ["m4", "m3"], "vars": {"g": "script"}}}'
