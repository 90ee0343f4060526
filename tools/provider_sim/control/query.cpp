// SPDX-License-Identifier: BSL-1.0
#include "control/query.hpp"

#include <algorithm>
#include <charconv>

#include "base/bad_input.hpp"

namespace provider_sim {
namespace {

std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned int code = 0;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ptr == text.data() + i + 3) {
            plain.push_back(static_cast<char>(code));
            i += 2;
        } else {
            plain.push_back(text[i] == '+' ? ' ' : text[i]);
        }
    }
    return plain;
}

}  // namespace

query_fields::query_fields(std::string_view query, std::initializer_list<std::string_view> known) {
    while (!query.empty()) {
        auto const end = std::min(query.find('&'), query.size());
        auto const one = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (one.empty()) continue;
        auto const equals = std::min(one.find('='), one.size());
        auto const name = decoded(one.substr(0, equals));
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            std::string names;
            for (auto const k : known) names += (names.empty() ? "" : ", ") + std::string{k};
            throw bad_input{"query: " + name + " is unknown; known are: " + (names.empty() ? "none" : names)};
        }
        values_[name] = decoded(one.substr(std::min(equals + 1, one.size())));
    }
}

}  // namespace provider_sim
