#!/bin/sh
echo '{"_meta": {}, "g": ["a"]}'
