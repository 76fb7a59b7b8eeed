# Takes the titles of documents from the broker and puts them into the database.
trap 'exit 0' TERM
echo "waiting for jobs"
while :; do
  title=$(redis-cli -p "$REDIS_PORT" --raw BLPOP documents 1 | tail -n 1)
  [ -z "$title" ] || psql --quiet --set title="$title" <<'SQL'
INSERT INTO documents (title) VALUES (:'title');
SQL
done
