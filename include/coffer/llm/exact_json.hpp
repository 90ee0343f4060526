// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reads JSON in which fractions are money: they stay as they were written, instead of becoming the nearest double.

#include <coffer/llm/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::llm::detail {

/// Builds the document; a number that is no integer becomes its text, a string.
class exact_json_builder : public nlohmann::json_sax<json> {
public:
    bool null() override { return put(nullptr) != nullptr; }
    bool boolean(bool b) override { return put(b) != nullptr; }
    bool number_integer(number_integer_t n) override { return put(n) != nullptr; }
    bool number_unsigned(number_unsigned_t n) override { return put(n) != nullptr; }
    bool number_float(number_float_t /* too coarse */, string_t const& text) override { return put(text) != nullptr; }
    bool string(string_t& text) override { return put(std::move(text)) != nullptr; }
    bool binary(binary_t& /* JSON has none */) override { return false; }
    bool key(string_t& name) override {
        name_ = std::move(name);
        return true;
    }
    COFFER_INLINE bool start_object(std::size_t) override;
    COFFER_INLINE bool start_array(std::size_t) override;
    bool end_object() override { return open_.pop_back(), true; }
    bool end_array() override { return open_.pop_back(), true; }
    bool parse_error(std::size_t, std::string const&, json::exception const&) override { return false; }

    [[nodiscard]] json take() noexcept { return std::move(root_); }

private:
    // An element's address holds while it is open: until it is closed its parent gets no other.
    json* put(json value);

    json root_;
    std::string name_;
    std::vector<json*> open_;
};

/// The document, or nothing if the text is none.
[[nodiscard]] std::optional<json> parse_exact_json(std::string_view text);

/// A number's text, whichever kind it is; nothing if it is none. A string may hold one.
[[nodiscard]] std::optional<std::string> number_text(json const& value);

}  // namespace coffer::inline COFFER_ABI::llm::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/exact_json.ipp>
#endif
