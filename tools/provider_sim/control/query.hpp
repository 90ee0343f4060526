// SPDX-License-Identifier: BSL-1.0
#pragma once
// ?name=value&... of a control request, percent-decoded. An unknown name is a mistake, as in every other input.

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace provider_sim {

class query_fields {
public:
    /// Throws bad_input for a name that is not among `known`.
    query_fields(std::string_view query, std::initializer_list<std::string_view> known);

    [[nodiscard]] std::optional<std::string> find(std::string const& name) const {
        auto const it = values_.find(name);
        return it == values_.end() ? std::nullopt : std::optional{it->second};
    }

private:
    std::map<std::string, std::string> values_;
};

}  // namespace provider_sim
