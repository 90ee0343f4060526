// SPDX-License-Identifier: BSL-1.0
#include "faults/header_value.hpp"

#include <algorithm>

#include "base/clock.hpp"

namespace provider_sim {
namespace {

using kind = header_change::kind;

constexpr word_table<kind, 4> relative_forms{{{"http_date_in_s", kind::http_date},
                                              {"rfc3339_in_s", kind::rfc3339},
                                              {"epoch_s_in_s", kind::epoch_s},
                                              {"epoch_ms_in_s", kind::epoch_ms}}};
constexpr std::int64_t ten_years = 315'360'000;

bool is_token(std::string_view name) {
    constexpr std::string_view separators = "()<>@,;:\\\"/[]?={} \t";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
        return c > 32 && c < 127 && separators.find(c) == std::string_view::npos;
    });
}

header_change fixed(fields const& headers, std::string const& name, json const& value) {
    header_change change;
    change.name = name;
    change.text = value.is_string() ? value.get<std::string>() : value.dump();
    // A line break would be another header or the end of the head: then it is garbage, which has its own word.
    if (change.text.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos)
        headers.fail(name, "must not contain line breaks or NUL", &value);
    return change;
}

header_change relative(fields& headers, std::string const& name, json const& value) {
    auto form = *headers.object(name);
    header_change change;
    change.name = name;
    int given = 0;
    for (auto const& [word, meaning] : relative_forms) {
        auto const seconds = form.integer(word, -ten_years, ten_years);
        if (!seconds) continue;
        change.what = meaning;
        change.in_seconds = *seconds;
        ++given;
    }
    form.finish();
    if (given != 1)
        headers.fail(name, "must have one of http_date_in_s, rfc3339_in_s, epoch_s_in_s, epoch_ms_in_s", &value);
    return change;
}

}  // namespace

std::vector<header_change> parse_headers(fields& headers) {
    std::vector<header_change> changes;
    for (auto const& [name, value] : headers.source().items()) {
        headers.find(name);
        if (!is_token(name)) headers.fail(name, "is no header name");
        if (value.is_null()) {
            header_change change;
            change.name = name;
            change.what = kind::remove;
            changes.push_back(std::move(change));
        } else if (value.is_string() || value.is_number()) {
            changes.push_back(fixed(headers, name, value));
        } else if (value.is_object()) {
            changes.push_back(relative(headers, name, value));
        } else if (value.is_array()) {
            for (auto const& one : value) {
                if (!one.is_string() && !one.is_number()) headers.fail(name, "must hold strings and numbers", &value);
                changes.push_back(fixed(headers, name, one));
            }
        } else {
            headers.fail(name, "must be a string, a number, an array of those, null, or a relative time", &value);
        }
    }
    return changes;
}

void apply_headers(std::vector<header_change> const& changes, std::int64_t now_unix_us, http_answer& answer) {
    // First remove, then add: a repeated header is one change each.
    for (auto const& change : changes) answer.remove(change.name);
    for (auto const& change : changes) {
        auto const seconds = now_unix_us / 1'000'000 + change.in_seconds;
        switch (change.what) {
            case kind::remove: break;
            case kind::text: answer.headers.emplace_back(change.name, change.text); break;
            case kind::http_date: answer.headers.emplace_back(change.name, http_date(seconds)); break;
            case kind::rfc3339: answer.headers.emplace_back(change.name, rfc3339(seconds)); break;
            case kind::epoch_s: answer.headers.emplace_back(change.name, std::to_string(seconds)); break;
            case kind::epoch_ms:
                answer.headers.emplace_back(change.name, std::to_string(now_unix_us / 1000 + change.in_seconds * 1000));
                break;
        }
    }
}

}  // namespace provider_sim
