// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_spooled.hpp.

#include <coffer/store/sqlite_spooled.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::string encode(spooled_answer const& a, body_codec const& bodies) {
    auto const sealed = bodies.seal(a.what->body, {a.record.digest, a.send});
    std::string bytes;
    put(bytes, sealed ? sealed_spool_version : spool_version);
    put(bytes, a.record.name_space);
    put(bytes, a.record.digest);
    put(bytes, std::string_view{reinterpret_cast<char const*>(a.claim.data()), a.claim.size()});
    put(bytes, a.send);
    put(bytes, a.cached_for.count());
    put(bytes, a.print ? std::int64_t{a.print->version()} : -1);
    put(bytes, a.print ? encode(*a.print) : std::string{});
    put(bytes, a.what->status);
    put(bytes, a.what->request_id);
    put(bytes, a.what->cost ? std::to_string(a.what->cost->nano()) : std::string{});
    auto const& u = a.what->usage;
    for (auto const bucket : usage_buckets) put(bytes, u ? std::to_string((*u).*bucket) : std::string{});
    put(bytes, sealed ? *sealed : a.what->body);
    put(bytes, "end");
    return bytes;
}

COFFER_INLINE bool is_whole_spooled(std::string_view bytes) noexcept {
    text_reader from{bytes};
    auto const buckets = spooled_buckets(from.number());
    std::size_t texts = 1;
    std::string_view last;
    for (; !from.at_end(); ++texts) last = from.text();
    return buckets != 0 && texts == 13 + buckets && last == "end";
}

COFFER_INLINE std::optional<spooled_answer> decode_spooled(std::string_view bytes, body_codec const& bodies) {
    text_reader from{bytes};
    auto const spooled_as = from.number();
    auto const buckets = spooled_buckets(spooled_as);
    if (buckets == 0) return std::nullopt;
    spooled_answer a;
    a.record.name_space = from.text();
    a.record.digest = from.text();
    auto const claim = from.text();
    if (claim.size() != a.claim.size()) return std::nullopt;
    std::transform(claim.begin(), claim.end(), a.claim.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
    a.send = static_cast<int>(from.number());
    a.cached_for = std::chrono::nanoseconds{from.number()};
    auto const version = from.number();
    auto const print = from.text();
    if (version >= 0) a.print = decode_fingerprint(static_cast<std::uint32_t>(version), print);
    answer what;
    what.status = static_cast<int>(from.number());
    what.request_id = from.text();
    auto const number = [](std::string_view text) {
        std::int64_t n = 0;
        std::from_chars(text.data(), text.data() + text.size(), n);
        return n;
    };
    if (auto const cost = from.text(); !cost.empty()) what.cost = money::from_nano(number(cost));
    for (std::size_t i = 0; i < buckets; ++i) {
        auto const tokens = from.text();
        if (tokens.empty()) continue;
        if (!what.usage) what.usage.emplace();
        (*what.usage).*usage_buckets[i] = number(tokens);
    }
    what.body = from.text();
    bool const whole = from.text() == "end" && from.at_end();
    if (!whole || a.record.digest.empty() || a.send < 1) return std::nullopt;
    if (spooled_as == sealed_spool_version || spooled_as == first_sealed_spool_version)
        what.body = bodies.read(static_cast<std::int64_t>(body_form::sealed), what.body, {a.record.digest, a.send});
    a.what = std::make_shared<answer const>(std::move(what));
    return a;
}

COFFER_INLINE std::string spool_name(std::string_view owner, spooled_answer const& a) {
    auto const digest = to_text({"", a.record.digest}).substr(1);
    return std::string{owner} + "-" + digest + "-" + std::to_string(a.send) + std::string{spool_suffix};
}

COFFER_INLINE std::optional<spool_file> spool_file_at(std::filesystem::path path) {
    auto const whole_name = path.filename().string();
    std::string_view name{whole_name};
    bool const is_draft = name.ends_with(draft_suffix);
    if (is_draft) name.remove_suffix(draft_suffix.size());
    auto const process = name.find('-') + 1;
    auto const digest = name.find('-', process) + 1;
    auto const send = name.find('-', digest) + 1;
    if (process == 0 || digest == 0 || send == 0 || !name.ends_with(spool_suffix)) return std::nullopt;
    auto const id = record_id_from_text("x:" + std::string{name.substr(digest, send - 1 - digest)});
    if (!id) return std::nullopt;
    return spool_file{std::move(path), std::string{name.substr(0, digest - 1)}, id->digest, is_draft};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
