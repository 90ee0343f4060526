// SPDX-License-Identifier: BSL-1.0
#pragma once
// One HTTP/1 request as the endpoints and the rules see it.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace provider_sim {

using header_list = std::vector<std::pair<std::string, std::string>>;

struct http_request {
    std::string method;
    std::string path;     // without the query, which may hold a key and so is never logged
    std::string query;
    int version = 11;     // 10 or 11
    header_list headers;  // names in lower case
    std::string body;
    bool keep_alive = true;
    bool expects_continue = false;
    bool has_body = false;

    /// The first header of that (lower-case) name.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
        for (auto const& [have, value] : headers)
            if (have == name) return value;
        return std::nullopt;
    }
    /// The same as a string, empty if absent.
    [[nodiscard]] std::string header_or_empty(std::string_view name) const {
        return std::string{header(name).value_or(std::string_view{})};
    }
};

/// Carries a credential: its value goes into no file, no log and no listing.
constexpr bool is_secret_header(std::string_view lower_case_name) noexcept {
    return lower_case_name == "authorization" || lower_case_name == "proxy-authorization" ||
           lower_case_name == "api-key" || lower_case_name == "x-api-key" || lower_case_name == "x-goog-api-key" ||
           lower_case_name == "cookie";
}

}  // namespace provider_sim
