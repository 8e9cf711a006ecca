#!/usr/bin/env bash
# Installs Redis and RabbitMQ for the tests, which start servers of their own; no service is started here. Where that is
# not possible it says so, and the tests go on with the brokers that are there: the embedded Valkey always is.
set -euo pipefail

wanted=()
command -v redis-server > /dev/null || wanted+=(redis-server)
test -e /usr/lib/rabbitmq/bin/rabbitmq-server || test -e /usr/sbin/rabbitmq-server || wanted+=(rabbitmq-server)

give_up() {
    echo "NOT INSTALLED: ${wanted[*]} ($1). The tests of brokers run without." >&2
    exit 0
}

if [ ${#wanted[@]} -eq 0 ]; then
    echo "Redis and RabbitMQ are there."
    exit 0
fi
[ "$(id -u)" = 0 ] || give_up "only root may install packages"
command -v apt-get > /dev/null || give_up "there is no apt-get"

# A package would start its service at once; asked for by the packages, this says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${wanted[@]}" > /dev/null; }; then
    give_up "apt-get failed, see above"
fi
echo "Installed: ${wanted[*]}."
