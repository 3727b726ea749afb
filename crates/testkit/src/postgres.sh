# $1: folder of PostgreSQL's programs, $2: TCP port. Standard input is the test process: when that
# ends, however it ends, so does the server, and its folder is removed.
place=${TMPDIR:-/tmp}
# In memory where that is plenty: a database for every test is a lot of files. 4 GB, in blocks of 1 KB.
[ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')" -ge 4000000 ] 2>/dev/null && place=/dev/shm
dir=$(mktemp -d "$place/headwater-postgres.XXXXXX" 2>/dev/null) \
  || dir=$(mktemp -d /tmp/headwater-postgres.XXXXXX) || exit 1
init() {
  "$1/initdb" --pgdata="$dir/data" --username=postgres --auth=trust --no-sync --no-instructions \
    --encoding=UTF8 --locale=C $2 >"$dir/initdb.log" 2>&1
}
# A language's order where there is ICU: text that must sort by code point has to say so itself.
init "$1" "--locale-provider=icu --icu-locale=en-US" || { rm -rf "$dir/data"; init "$1" ""; } \
  || { cat "$dir/initdb.log" >&2; rm -rf "$dir"; exit 1; }
exec 3<&0
"$1/postgres" -D "$dir/data" -p "$2" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$dir" \
  -c fsync=on -c shared_buffers=64MB -c max_connections=300 -c wal_level=minimal -c max_wal_senders=0 \
  -c max_wal_size=256MB -c dynamic_shared_memory_type=mmap -c autovacuum=off -c logging_collector=off 3<&- &
server=$!
{ cat <&3; kill -QUIT "$server"; } >/dev/null 2>&1 &
wait "$server"
rm -rf "$dir"
