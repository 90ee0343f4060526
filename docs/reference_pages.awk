# SPDX-License-Identifier: BSL-1.0
#
# What Doxygen reads of a page of docs/: headings get the anchors that other pages name them by, and a link to what is no
# part of the reference (tests, examples, sources) is left as its words. In reference.md names are links.

FNR == 1 {
    page = FILENAME
    sub(/.*\//, "", page)
    sub(/\.md$/, "", page)
    inside = 0
}
/^ *```/ { inside = !inside }
!inside && /^##+ / {
    anchor = tolower($0)
    sub(/^##+ /, "", anchor)
    gsub(/[^a-z0-9 _-]/, "", anchor)
    gsub(/ /, "-", anchor)
    print $0 " {#" page "-" anchor "}"
    next
}
page == "reference" {
    while (match($0, /`coffer::[A-Za-z0-9_:]+(\(\))?`/)) {
        name = substr($0, RSTART + 1, RLENGTH - 2)
        $0 = substr($0, 1, RSTART - 1) "@ref " name " \"" substr(name, 9) "\"" substr($0, RSTART + RLENGTH)
    }
}
!inside {
    rest = $0
    line = ""
    while (match(rest, /\]\([^)]*\)/)) {
        before = substr(rest, 1, RSTART - 1)
        target = substr(rest, RSTART + 2, RLENGTH - 3)
        after = substr(rest, RSTART + RLENGTH)
        open = 0 # where the link's words begin
        for (i = length(before); i > 0 && !open; --i)
            if (substr(before, i, 1) == "[") open = i
        if (target ~ /^#/) {
            line = line before "](@ref " page "-" substr(target, 2) ")"
        } else if (target ~ /^[a-z_]+\.md#/) {
            sub(/\.md#/, "-", target)
            line = line before "](@ref " target ")"
        } else if (target ~ /^[a-z_]+\.(md|svg)$/ || target ~ /^https?:/ || !open || target ~ /^[^.a-z]|[ :]/) {
            line = line before "](" target ")"
        } else {
            line = line substr(before, 1, open - 1) substr(before, open + 1)
        }
        rest = after
    }
    print line rest
    next
}
{ print }
