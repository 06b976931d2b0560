#!/bin/sh
[ "$1" = --list ] && echo '{"g": ["a", "b"]}' || echo "{}"
