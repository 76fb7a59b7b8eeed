#!/bin/sh
# Asked by invoke-rc.d, that is by packages: may the init script of service $1 be run with the actions $2?
# Starting, stopping and restarting is my_init's: no service is to appear while an image is built, and none beside the supervised
# one when a package is upgraded. The rest (rotate, reload: sending a signal to what runs) is what logrotate needs.
for action in $2; do
  case $action in
    start | stop | restart | try-restart | condrestart | force-stop | '(start)') exit 101 ;; # forbidden
  esac
done
