#!/bin/sh
case $1 in
--list) echo '{"web": ["w1", "w2"], "db": {"hosts": ["d1"], "vars": {"a": 1}}}' ;;
--host) case $2 in w1) echo '{"only": "w1"}' ;; w2) ;; *) echo '{}' ;; esac ;;
esac
