# Orders a document now and then.
trap 'exit 0' TERM
count=0
while :; do
  count=$((count + 1))
  redis-cli -p "$REDIS_PORT" RPUSH documents "report $count" > /dev/null
  sleep 2 &
  wait $!
done
