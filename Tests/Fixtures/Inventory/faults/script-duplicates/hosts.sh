#!/bin/sh
echo '{"g": ["a"], "g": ["b"]}'
