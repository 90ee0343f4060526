// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of canonical.hpp.

#include <coffer/llm/canonical.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace coffer::inline COFFER_ABI {

namespace llm::detail {

COFFER_INLINE void write_canonical(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    constexpr std::string_view with_short_form = "\b\t\n\f\r";
    constexpr std::string_view short_forms = "btnfr";
    out += '"';
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') (out += '\\') += c;
        else if (auto const at = with_short_form.find(c); at != text.npos) (out += '\\') += short_forms[at];
        else if (byte < 0x20) ((out += "\\u00") += hex[byte >> 4U]) += hex[byte & 0xfU];
        else out += c;
    }
    out += '"';
}

COFFER_INLINE void write_canonical(std::string& out, double number) {
    char text[32];
    constexpr double exact = 9007199254740992.0;  // 2^53
    bool const whole = std::abs(number) <= exact && std::floor(number) == number;
    auto const end = whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(number)).ptr
                           : std::to_chars(text, text + sizeof text, number).ptr;
    out.append(text, end);
}

COFFER_INLINE void write_canonical(std::string& out, json const& value) {
    char separator = '\0';
    auto const next = [&] {
        if (separator != '\0') out += separator;
        separator = ',';
    };
    switch (value.type()) {
        case json::value_t::object:
            out += '{';
            for (auto const& [name, member] : value.get_ref<json::object_t const&>()) {  // sorted by the names' bytes
                next();
                write_canonical(out, std::string_view{name});
                out += ':';
                write_canonical(out, member);
            }
            out += '}';
            break;
        case json::value_t::array:
            out += '[';
            for (auto const& element : value) {
                next();
                write_canonical(out, element);
            }
            out += ']';
            break;
        case json::value_t::string: write_canonical(out, std::string_view{value.get_ref<std::string const&>()}); break;
        case json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; break;
        case json::value_t::number_integer: out += std::to_string(value.get<std::int64_t>()); break;
        case json::value_t::number_unsigned: out += std::to_string(value.get<std::uint64_t>()); break;
        case json::value_t::number_float: write_canonical(out, value.get<double>()); break;
        default: out += "null"; break;
    }
}

}  // namespace llm::detail

namespace llm {

COFFER_INLINE std::string canonical(json const& value) {
    std::string out;
    detail::write_canonical(out, value);
    return out;
}

COFFER_INLINE std::string canonical_text(std::string_view text) {
    auto const value = detail::parse_json(text);
    return value ? canonical(*value) : "not JSON:" + std::string{text};
}

}  // namespace llm

}  // namespace coffer::inline COFFER_ABI
