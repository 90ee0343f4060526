# SPDX-License-Identifier: BSL-1.0
#
# What Doxygen reads of a header. Lines stay where they are.
#
# - The comment at its top is the file's documentation.
# - The versioned inline namespace, which nobody writes, is left out.
# - What is in it belongs to the group of its component; see reference.md.
# - Raw strings are emptied: Doxygen would lose the rest of the file.
# - Functions of the compiler's own making are left out unless there is a comment: nothing is to be said of them.

BEGIN {
    group["base"] = group["call"] = group["time"] = group["telemetry"] = "core"
    group["policy"] = group["state"] = "policies"
    group["store"] = group["crypto"] = "stores"
    group["http"] = "http"
    group["llm"] = "llm"
    group["testing"] = "testing"
}

FNR == 1 {
    if (match(FILENAME, /include\/coffer\/[a-z]+\//)) folder = substr(FILENAME, RSTART + 15, RLENGTH - 16)
    of = group[folder]
    if (FILENAME ~ /state\/(record|run|ledger|window|calendar|spend|trusted|alarm|burn|anomaly|threshold|repet|refusal|stop)/)
        of = "stores"
    top = 1
}

top && /^#pragma once/ { print "/// @file"; next }
top && /^\/\/ SPDX/ { print ""; next }
top && /^\/\// { print "/" $0; next }
top { top = 0 }

{ gsub(/R"\([^)]*\)"/, "\"\"") }

/^namespace asio = ::asio;/ { print ""; next } # Doxygen takes it for an alias of itself

/^class / { sub(/COFFER_ONE_PER_PROCESS /, "") }  # of the linker, not of the reader
/^namespace coffer::inline COFFER_ABI/ {
    sub(/::inline COFFER_ABI/, "")
    inside = of != "" && !/detail/
    if (inside) $0 = $0 " /** @addtogroup " of
    print
    if (inside) printf "@{ */ "
    next
}
/^}  \/\/ namespace coffer::inline COFFER_ABI/ { print (inside ? "/** @} */ " : "") "}"; next }

/= (default|delete);( *\/\/[^\/].*)?$/ && !/\/\/\/</ && before !~ /^ *\/\/\// && before !~ /[^;{}:]$/ {
    print ""
    next
}
{
    print
    before = $0
    sub(/ *\/\/.*/, "", before)
    if (before ~ /^$/ && $0 ~ /\/\/\//) before = $0
}
