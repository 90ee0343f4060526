// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of scope_pattern.hpp.

#include <coffer/policy/scope_pattern.hpp>

#include <algorithm>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE scope_pattern::scope_pattern(std::string_view const whole) {
    auto const bad = [&](char const* why) {
        throw std::invalid_argument{"coffer::budget: the scope \"" + printable(whole) + "\" " + why};
    };
    auto text = whole;
    if (text.empty()) bad("is empty; give it a name such as \"team/search\"");
    if (text.size() > 200) bad("is longer than 200 bytes");
    if (text.starts_with('/') || text.ends_with('/') || text.find("//") != std::string_view::npos)
        bad("has an empty part; write it as \"team/search\"");
    for (auto const c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) bad("has a control character in it");
    while (!text.empty()) {
        auto const open = std::min(text.find('{'), text.size());
        if (text.substr(0, open).find('}') != std::string_view::npos) bad("has a } without a {");
        pieces_.push_back({std::string{text.substr(0, open)}, {}});
        text.remove_prefix(open);
        if (text.empty()) break;
        auto const close = text.find('}');
        if (close == std::string_view::npos || close == 1) bad("has a { without a name and a }");
        pieces_.back().name = text.substr(1, close - 1);
        if (pieces_.back().name.find('{') != std::string::npos) bad("has a { within braces");
        text.remove_prefix(close + 1);
    }
}

COFFER_INLINE bool scope_pattern::is_fixed() const noexcept {
    return std::all_of(pieces_.begin(), pieces_.end(), [](auto const& p) { return p.name.empty(); });
}

COFFER_INLINE std::string scope_pattern::of(attempt const& a) const {
    std::string scope;
    for (auto const& p : pieces_) {
        scope += p.text;
        if (!p.name.empty()) scope += escaped(value_of(p.name, a));
    }
    return scope;
}

COFFER_INLINE std::string_view scope_pattern::value_of(std::string_view name, attempt const& a) {
    if (name == "provider") return a.target().provider;
    if (name == "model") return a.target().model;
    if (name == "namespace") return a.of().keyed() ? a.of().key().name_space() : std::string_view{};
    for (auto const& [tag, value] : a.of().tags())
        if (tag == name) return value;
    return {};
}

COFFER_INLINE std::string scope_pattern::escaped(std::string_view value) {
    if (value.empty()) return "-";
    std::string text;
    for (auto const c : value.substr(0, 100)) {
        bool const plain = static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '/' && c != '%';
        if (plain && !(value == "-")) {
            text += c;
            continue;
        }
        constexpr char digits[] = "0123456789ABCDEF";
        text += '%';
        text += digits[static_cast<unsigned char>(c) >> 4U];
        text += digits[static_cast<unsigned char>(c) & 15U];
    }
    return text;
}

COFFER_INLINE std::string scope_pattern::printable(std::string_view text) {
    std::string out{text.substr(0, 200)};
    std::replace_if(
        out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return out;
}

}  // namespace coffer::inline COFFER_ABI
