#!/bin/bash
# Runs the scenes inside the virtual machine, one after the other, and prints the result of each.
cd /opt/vm || exit
modprobe vhci_hcd

scene() { # FILE
    local name=${1##*/} started=$SECONDS since
    since=$(date '+%F %T')
    name=${name%.sh}
    if timeout 400 bash -c "exec 9>&1; BASH_XTRACEFD=9; . ./scene.sh; set -x; . ./$1" >"/var/tmp/$name" 2>&1; then
        printf 'ok %s (%s s)%s\n' "$name" $((SECONDS - started)) "$(sed -n 's/^note: /; /p' "/var/tmp/$name" | tr -d '\n')"
    else
        printf 'FAILED %s (%s s)\n' "$name" $((SECONDS - started))
        tail -80 "/var/tmp/$name" | sed 's/^/| /'
        journalctl --since "$since" --no-pager --output cat --lines 60 | grep -v 'run-p' | sed 's/^/| journal: /'
        # A failed scene must not affect the next one.
        systemctl restart token@1 token@2
    fi
}

wanted() { # FILE
    local word
    # The scenes that start with 0 install the program, which all others need.
    case ${1##*/} in 0*) return 0 ;; esac
    [ -s wanted ] && [ -n "$(cat wanted)" ] || return 0
    while read -r word; do
        if [[ ${1##*/} == *$word* ]]; then return 0; fi
    done <wanted
    return 1
}

# Scenes below 90 run after the first boot, the others after the second.
if [ ! -e /var/lib/restarted ]; then
    systemctl start token@1 token@2
    for file in scenes/[0-8]*; do if wanted "$file"; then scene "$file"; fi; done
    touch /var/lib/restarted
    for file in scenes/9*; do if wanted "$file"; then later=yes; fi; done
    if [ -n "${later:-}" ]; then
        echo restart
        systemctl --no-block reboot
        exit
    fi
else
    for file in scenes/9*; do if wanted "$file"; then scene "$file"; fi; done
fi
echo end
systemctl --no-block poweroff
