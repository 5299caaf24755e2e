#!/bin/sh
# The real peers of the tests: SIPp, baresip and Linphone, and PostgreSQL (the tests start a server of their own). Installs them where that is allowed,
# says what is missing where it is not. With CI=true the tests then fail instead of skipping.
missing=""
command -v sipp >/dev/null 2>&1 || missing="$missing sip-tester"
command -v baresip >/dev/null 2>&1 || missing="$missing baresip-core"
command -v linphonec >/dev/null 2>&1 || missing="$missing linphone-cli"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then as_root=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"
    else as_root="refused"
    fi
    if [ "$as_root" != refused ]; then
        echo "installing test peers:$missing"
        # shellcheck disable=SC2086
        $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq $missing >/dev/null || installed=no
        case "$missing" in *postgresql*) $as_root service postgresql stop >/dev/null 2>&1 ;; esac
        [ "${installed:-yes}" = yes ] && exit 0
    fi
fi
echo "test peers missing:$missing (apt-get install$missing); the tests that call them will be skipped"
