// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reads a JSON object strictly: every field is asked for by name and checked, and a field nobody asked for is an
// error, because a misspelt fault that never fires makes a test pass for the wrong reason.
//
//     fields f{object, "rule 2", "match"};
//     auto nth = f.integer("nth", 1, 1'000);     // bad_input: "rule 2: match.nth must be an integer from 1 to 1000, not \"x\""
//     f.finish();                                // bad_input: "rule 2: match.nht is unknown; known are: nth"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace provider_sim {

/// The words of an enumeration, for reading and writing.
template <class Enum, std::size_t N>
using word_table = std::array<std::pair<std::string_view, Enum>, N>;

class fields {
public:
    /// `where` names the thing ("rule 2"), `path` the object inside it ("match"; empty for the thing itself).
    fields(json const& object, std::string where, std::string path = {});

    /// The field, or null if it is absent.
    json const* find(std::string_view name);
    std::optional<std::int64_t> integer(std::string_view name, std::int64_t low, std::int64_t high);
    std::optional<double> number(std::string_view name, double low, double high);
    std::optional<bool> flag(std::string_view name);
    std::optional<std::string> text(std::string_view name);
    std::optional<fields> object(std::string_view name);

    template <class Enum, std::size_t N>
    std::optional<Enum> word(std::string_view name, word_table<Enum, N> const& words) {
        json const* const value = find(name);
        if (value == nullptr) return std::nullopt;
        std::string known;
        for (auto const& [text_of, meaning] : words) {
            if (value->is_string() && value->get_ref<std::string const&>() == text_of) return meaning;
            known += (known.empty() ? "\"" : " | \"") + std::string{text_of} + "\"";
        }
        fail(name, "must be " + known, value);
    }

    /// Throws bad_input about this field; `got` is shown in the text.
    [[noreturn]] void fail(std::string_view name, std::string const& what, json const* got = nullptr) const;

    /// Every field must have been asked for by now.
    void finish() const;

    [[nodiscard]] bool has(std::string_view name) const { return object_->contains(std::string{name}); }
    [[nodiscard]] json const& source() const noexcept { return *object_; }
    [[nodiscard]] std::string const& where() const noexcept { return where_; }

private:
    json const* object_;
    std::string where_;
    std::string path_;
    std::vector<std::string_view> asked_;
};

/// The word of a value; the table is the one it was read with.
template <class Enum, std::size_t N>
constexpr std::string_view word_of(word_table<Enum, N> const& words, Enum value) {
    for (auto const& [text_of, meaning] : words)
        if (meaning == value) return text_of;
    return "?";
}

}  // namespace provider_sim
