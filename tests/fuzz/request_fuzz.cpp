// SPDX-License-Identifier: BSL-1.0
// A request's fields on their way to libcurl, and a text that may repeat them. Input: the method, the query, `name: value`
// lines, an empty line, the text.
#include <coffer/http/curl_header_lines.hpp>
#include <coffer/http/request_check.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

#include "fuzz/fuzz.hpp"

namespace http = coffer::http;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto text = fuzz::text_of(data, size);
    std::string method{fuzz::take_line(text)};
    http::request r{std::move(method), "https://example.com/?" + std::string{fuzz::take_line(text)}};
    for (std::string_view line; !(line = fuzz::take_line(text)).empty();) {
        auto const [name, value] = fuzz::split_field(line);
        r.headers.add(std::string{name}, std::string{value});
    }

    auto const wrong = http::check(r);
    if (wrong) {
        require(wrong->kind() == coffer::fault_kind::invalid_request, "what is refused is an invalid request");
    } else {
        http::curl::header_lines lines;
        lines.assign(r.headers);
        auto const* node = lines.list();
        for (auto const& h : r.headers) {
            require(node != nullptr, "each field has a line");
            std::string_view const line{node->data};
            require(line.find_first_of("\r\n") == line.npos, "a line is one line");
            require(line.starts_with(h.name), "and begins with the field's name");
            require(line.substr(h.name.size()) == ";" || line.substr(h.name.size()) == ": " + h.value,
                    "and ends with its value");
            node = node->next;
        }
        require(node != nullptr && std::string_view{node->data} == "Expect:", "no request waits for a go-ahead");
    }

    auto const query = std::string_view{r.url}.substr(r.url.find('?') + 1);
    auto const shown = http::without_secrets(std::string{text}, r);
    std::ostringstream printed;
    printed << r;
    auto const hidden = [&](std::string_view secret) {
        // A secret of asterisks is what secrets are replaced by.
        if (secret.size() < 4 || secret.find('*') != secret.npos) return;
        require(shown.find(secret) == shown.npos, "no secret is in what is shown");
    };
    hidden(query);
    for (auto const& h : r.headers)
        if (r.hides(h.name)) hidden(h.value);
    require(query.empty() || printed.str().find("?<hidden>") != std::string::npos, "no query is printed");
    return 0;
}
