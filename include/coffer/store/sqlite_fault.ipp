// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_fault.hpp.

#include <coffer/store/sqlite_fault.hpp>

#include <charconv>
#include <system_error>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE void put(std::string& to, std::string_view text) {
    to += std::to_string(text.size());
    to += ':';
    to += text;
}

COFFER_INLINE void put(std::string& to, std::int64_t number) { put(to, std::string_view{std::to_string(number)}); }

COFFER_INLINE std::string_view text_reader::text() noexcept {
    std::size_t size = 0;
    auto const [colon, bad] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
    auto const head = static_cast<std::size_t>(colon - rest_.data()) + 1;
    if (bad != std::errc{} || head > rest_.size() || size > rest_.size() - head) return rest_ = {}, "";
    auto const taken = rest_.substr(head, size);
    rest_.remove_prefix(head + size);
    return taken;
}

COFFER_INLINE std::int64_t text_reader::number() noexcept {
    auto const t = text();
    std::int64_t n = 0;
    std::from_chars(t.data(), t.data() + t.size(), n);
    return n;
}

COFFER_INLINE std::string encode(fault const& f) {
    std::string bytes;
    put(bytes, 1);
    put(bytes, to_string(f.kind()));
    put(bytes, to_string(f.execution()));
    put(bytes, to_string(f.billing()));
    put(bytes, to_string(f.stop()));
    put(bytes, f.status());
    put(bytes, f.retry_after().value_or(fault::duration{-1}).count());
    put(bytes, f.message());
    put(bytes, f.code());
    put(bytes, f.request_id());
    for (auto const& name : f.fields()) put(bytes, name);
    return bytes;
}

COFFER_INLINE fault decode_fault(std::string_view bytes) {
    text_reader from{bytes};
    from.number();
    auto const name = from.text();
    auto kind = fault_kind::permanent;  // a kind that a newer coffer may know
    for (auto const& r : fault_table)
        if (r.name == name) kind = r.kind;
    fault f{kind};
    auto const known = [](std::string_view t) {
        return t == "no" ? knowledge::no : t == "yes" ? knowledge::yes : knowledge::maybe;
    };
    f.with_execution(known(from.text()));
    f.with_billing(known(from.text()));
    auto const stop = from.text();
    for (auto s = stop_reason::none; s <= stop_reason::quota_spent;
         s = static_cast<stop_reason>(static_cast<int>(s) + 1))
        if (to_string(s) == stop) f.with_stop(s);
    f.with_status(static_cast<int>(from.number()));
    if (auto const hint = from.number(); hint >= 0) f.with_retry_after(fault::duration{hint});
    if (auto const message = from.text(); !message.empty()) f.with_message(std::string{message});
    if (auto const code = from.text(); !code.empty()) f.with_code(std::string{code});
    if (auto const id = from.text(); !id.empty()) f.with_request_id(std::string{id});
    std::vector<std::string> fields;
    while (!from.at_end()) fields.emplace_back(from.text());
    if (!fields.empty()) f.with_fields(std::move(fields));
    return f;
}

COFFER_INLINE std::string encode(fingerprint const& print) {
    std::string bytes;
    for (auto const& f : print.fields()) {
        put(bytes, f.name);
        put(bytes, f.value);
    }
    return bytes;
}

COFFER_INLINE fingerprint decode_fingerprint(std::uint32_t version, std::string_view bytes) {
    fingerprint print{version};
    for (text_reader from{bytes}; !from.at_end();) {
        auto const name = from.text();
        print.with(std::string{name}, std::string{from.text()});
    }
    return print;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
