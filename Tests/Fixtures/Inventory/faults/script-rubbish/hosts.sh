#!/bin/sh
echo "Traceback: rubbish"
echo complaint >&2
