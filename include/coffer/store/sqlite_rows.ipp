// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_rows.hpp.

#include <coffer/store/sqlite_rows.hpp>

#include <tuple>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE record_rows::record_rows(connection& db, std::shared_ptr<crypto::key_ring const> keys)
    : db_{db}, bodies_{std::move(keys)} {}

COFFER_INLINE stored_record record_rows::load(std::string const& digest) {
    stored_record found;
    {
        auto const r = by_key_.with(as_blob(digest));
        if (r.next()) found = read_record(r);
        found.digest = digest;
        if (found.id == 0) return found;
    }
    read_sends(found);
    auto const state = found.row.state;
    if (state == record_state::done && found.row.accepted() == nullptr) throw damaged("it is done without an answer");
    if (state == record_state::failed && !found.row.stored_fault) throw damaged("it has failed without a fault");
    return found;
}

COFFER_INLINE shared_answer record_rows::with_body(stored_record const& s, std::size_t index) {
    auto const& reply = s.row.sends[index].reply;
    if (!reply || index >= s.sends.size() || s.sends[index].body == 0) return reply;
    auto whole = std::make_shared<answer>(*reply);
    auto const r = body_.with(s.sends[index].body);
    if (!r.next()) throw damaged("a stored answer is gone");
    auto const form = r.integer();
    whole->body = bodies_.read(form, r.bytes(), {s.digest, s.row.sends[index].number});
    return whole;
}

COFFER_INLINE void record_rows::load_bodies(stored_record& s) {
    for (std::size_t i = 0; i < s.row.sends.size(); ++i) s.row.sends[i].reply = with_body(s, i);
}

COFFER_INLINE void record_rows::write(stored_record& s, std::string const& digest) {
    if (s.id != 0) return write_record(update_, s.row, s.id);
    write_record(insert_, s.row, as_blob(digest), std::string_view{s.name_space});
    s.id = db_.last_id();
}

COFFER_INLINE void record_rows::remove(stored_record& s) {
    if (s.id != 0) {
        delete_bodies_.run(s.id);
        delete_sends_.run(s.id);
        delete_record_.run(s.id);
    }
    s.id = 0;
    s.sends.clear();
}

COFFER_INLINE void record_rows::drop_bodies(stored_record& s) {
    delete_bodies_.run(s.id);
    forget_bodies_.run(s.id);
    for (auto& p : s.sends) p.body = 0;
}

COFFER_INLINE void record_rows::strip_bodies(stored_record& s) {
    for (std::size_t i = 0; i < s.sends.size(); ++i) {
        auto& reply = s.row.sends[i].reply;
        if (reply && s.sends[i].body != 0 && !reply->body.empty()) reply = without_body(*reply);
    }
}

COFFER_INLINE std::uint64_t record_rows::last_token() const {
    auto const r = token_.with();
    return r.next() ? r.as<std::uint64_t>() : 0;
}

COFFER_INLINE std::runtime_error record_rows::damaged(char const* how) {
    return std::runtime_error{std::string{"a record is damaged, "} + how +
                              "; restore the store, with its .secret, from a backup"};
}

COFFER_INLINE std::int64_t record_rows::count(steady t) noexcept {
    return std::chrono::nanoseconds{t.time_since_epoch()}.count();
}

COFFER_INLINE std::int64_t record_rows::count(wall t) noexcept {
    return std::chrono::nanoseconds{t.time_since_epoch()}.count();
}

COFFER_INLINE record_rows::wall record_rows::wall_at(std::int64_t n) noexcept {
    return wall{std::chrono::duration_cast<wall::duration>(std::chrono::nanoseconds{n})};
}

COFFER_INLINE claim_id record_rows::claim_of(std::string_view bytes) noexcept {
    claim_id id{};
    for (std::size_t i = 0; i < id.size() && i < bytes.size(); ++i) id[i] = static_cast<std::uint8_t>(bytes[i]);
    return id;
}

COFFER_INLINE stored_record record_rows::read_record(statement::rows const& r) {
    stored_record s;
    auto& x = s.row;
    s.id = r.integer();
    s.name_space = r.bytes();
    x.state = state_of(r.bytes(), record_state::expired);
    x.claim = claim_of(r.bytes());
    x.held = r.integer() != 0;
    x.owner = r.bytes();
    x.token = r.as<std::uint64_t>();
    x.lease_until = steady_at(r.integer());
    x.claims = r.as<int>();
    x.max_sends = r.as<int>();
    x.granted_sends = r.as<int>();
    x.takeover_grace = std::chrono::nanoseconds{r.integer()};
    x.acknowledged_kept = std::chrono::nanoseconds{r.integer()};
    x.unacknowledged_kept = std::chrono::nanoseconds{r.integer()};
    auto const version = r.maybe_integer();
    x.print_known = version.has_value();
    x.print = decode_fingerprint(static_cast<std::uint32_t>(version.value_or(0)), r.bytes());
    if (auto const bytes = r.bytes(); !bytes.empty()) x.stored_fault = decode_fault(bytes);
    x.created = wall_at(r.integer());
    x.updated = wall_at(r.integer());
    if (auto const expires = r.maybe_integer()) x.expires = wall_at(*expires);
    x.cached = r.integer() != 0;
    return s;
}

COFFER_INLINE void record_rows::read_sends(stored_record& s) {
    auto const r = sends_.with(s.id);
    while (r.next()) {
        auto& x = s.row.sends.emplace_back();
        x.number = r.as<int>();
        x.state = state_of(r.bytes(), send_state::supplied);
        x.claim = claim_of(r.bytes());
        x.owner = r.bytes();
        x.permitted_until = steady_at(r.integer());
        x.permitted_at = wall_at(r.integer());
        x.provider = r.bytes();
        x.model = r.bytes();
        if (auto const bytes = r.bytes(); !bytes.empty()) x.why = decode_fault(bytes);
        if (auto const ended = r.maybe_integer()) x.ended_at = wall_at(*ended);
        s.sends.push_back({true, r.maybe_integer().value_or(0)});
        auto const status = r.maybe_integer();
        if (!status) continue;
        auto reply = std::make_shared<answer>();
        reply->status = static_cast<int>(*status);
        reply->request_id = r.bytes();
        if (auto const cost = r.maybe_integer()) reply->cost = money::from_nano(*cost);
        for (auto const bucket : usage_buckets) {
            auto const tokens = r.maybe_integer();
            if (!tokens) break;  // all or none; of an older format, those that it had
            if (!reply->usage) reply->usage.emplace();
            *reply->usage.*bucket = *tokens;
        }
        x.reply = std::move(reply);
    }
}

COFFER_INLINE void record_rows::write_send(stored_record& s, int number) {
    std::size_t i = 0;
    while (s.row.sends[i].number != number) ++i;
    s.sends.resize(s.row.sends.size());
    auto& place = s.sends[i];
    auto const& x = s.row.sends[i];
    if (x.reply && place.body == 0 && !x.reply->body.empty()) {
        if (auto const sealed = bodies_.seal(x.reply->body, {s.digest, number}))
            insert_body_.run(static_cast<std::int64_t>(body_form::sealed), as_blob(*sealed));
        else insert_body_.run(static_cast<std::int64_t>(body_form::as_it_came), as_blob(x.reply->body));
        place.body = db_.last_id();
    }
    auto const fault_bytes = x.why ? encode(*x.why) : std::string{};
    auto const* const u = x.reply && x.reply->usage ? &*x.reply->usage : nullptr;
    auto const& to = std::exchange(place.in_file, true) ? update_send_ : insert_send_;
    auto const put = [&](auto... bucket) {
        to.run(to_string(x.state), as_blob(x.claim), std::string_view{x.owner}, count(x.permitted_until),
               count(x.permitted_at), std::string_view{x.provider}, std::string_view{x.model},
               x.why ? std::optional{as_blob(fault_bytes)} : std::nullopt,
               x.ended_at == wall{} ? std::nullopt : std::optional{count(x.ended_at)},
               place.body != 0 ? std::optional{place.body} : std::nullopt,
               x.reply ? std::optional{x.reply->status} : std::nullopt,
               x.reply ? std::optional{std::string_view{x.reply->request_id}} : std::nullopt,
               x.reply && x.reply->cost ? std::optional{x.reply->cost->nano()} : std::nullopt,
               (u ? std::optional{u->*bucket} : std::nullopt)..., s.id, number);
    };
    std::apply(put, usage_buckets);
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
