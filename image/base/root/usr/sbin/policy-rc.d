#!/bin/sh
# Asked by invoke-rc.d, that is by packages: may the init script of service $1 be run with the
# actions $2? Only my_init starts, stops and restarts services: none may appear while an image is
# built, nor beside the supervised one when a package is upgraded. Other actions (rotate, reload:
# signals to a running service) are allowed, because logrotate needs them.
for action in $2; do
  case $action in
    start | stop | restart | try-restart | condrestart | force-stop | '(start)') exit 101 ;; # forbidden
  esac
done
