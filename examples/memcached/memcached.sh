#!/bin/sh
# `/sbin/setuser memcache` runs the given command as the user `memcache`: without it, it would run as root.
exec /sbin/setuser memcache /usr/bin/memcached
