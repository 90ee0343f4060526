// SPDX-License-Identifier: BSL-1.0
// A response's head, whatever lines a server sends.
#include <coffer/http/response_head.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace http = coffer::http;
using fuzz::require;

namespace {

bool same(http::header_list const& a, http::header_list const& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](auto const& x, auto const& y) { return x.name == y.name && x.value == y.value; });
}

/// The head written out anew: what was understood of it must be understood in the same way again.
http::response_head again(http::response_head const& head) {
    http::response_head copy{1 << 24};
    auto const feed = [&](std::string const& line) { require(copy.feed(line), "there is room"); };
    feed("HTTP/1.1 " + std::to_string(head.status()) + " Word\r\n");
    for (auto const& h : head.headers()) feed(h.name + ": " + h.value + "\r\n");
    feed("\r\n");
    return copy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    constexpr std::size_t limit = 2048;
    auto text = fuzz::text_of(data, size);
    http::response_head head{limit};
    http::response_head stripped{limit};
    std::size_t fed = 0;
    bool complete = false;
    while (!text.empty()) {
        auto const before = text;
        auto bare = fuzz::take_line(text);
        auto const line = before.substr(0, before.size() - text.size());
        bool const fits = head.feed(line);
        require(fits == (fed + line.size() <= limit), "all lines together are held under the limit");
        if (!fits) break;
        fed += line.size();
        while (bare.ends_with('\r')) bare.remove_suffix(1);
        require(stripped.feed(bare), "a line without its end is shorter");
        require(head.complete() || !complete, "a head that is complete stays so");
        complete = head.complete();
    }
    require(head.status() == 0 || head.status() >= 200, "no status but a final one is shown");
    require(!complete || head.status() != 0, "a complete head has a status");
    require(same(head.headers(), stripped.headers()) && head.status() == stripped.status(), "line ends mean nothing");
    std::size_t kept = 0;
    for (auto const& h : head.headers()) {
        kept += h.name.size() + h.value.size();
        require(h.value.find_first_of("\n") == h.value.npos, "no value holds a line end");
        require(h.name.find(':') == h.name.npos, "no name holds a colon");
        require(head.headers().contains(h.name), "a field is found under its name");
    }
    require(kept <= limit + head.headers().size(), "no more is kept than came");
    if (auto const length = head.content_length())
        require(std::to_string(*length).size() <= head.headers().first("content-length")->size(),
                "a length stands in the head");
    for (auto const* const method : {"GET", "HEAD"})
        require(!head.body_ends_with_connection(method) || !head.content_length(), "a length ends the body");
    if (!complete) return 0;
    // A name that looks like a status line would come out as one.
    bool const plain = std::none_of(head.headers().begin(), head.headers().end(),
                                    [](auto const& h) { return h.name.empty() || h.name.starts_with("HTTP/"); });
    if (!plain) return 0;
    auto const copy = again(head);
    require(copy.complete() && copy.status() == head.status(), "a status is read back");
    require(same(head.headers(), copy.headers()), "fields are read back");
    return 0;
}
