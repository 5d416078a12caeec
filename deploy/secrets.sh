#!/bin/sh
# Usage: secrets.sh FOLDER
# Passwords between the servers of compose.yaml, made once, each in the file of who reads it.
set -eu
cd "$1"
[ ! -e hubbub.toml ] || exit 0

password() {
  head -c 24 /dev/urandom | base64 | tr '+/' '-_'
}
database=$(password)
valkey=$(password)

printf '%s' "$database" >postgres
printf '%s\n' "requirepass $valkey" 'save ""' 'appendonly no' >valkey.conf
cat >new <<END
[database]
url = "postgres://hubbub:$database@postgres/hubbub"

[valkey]
url = "redis://:$valkey@valkey:6379"
END
mv new hubbub.toml  # last, so that it is there only when all are
