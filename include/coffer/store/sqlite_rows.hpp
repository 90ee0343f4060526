// SPDX-License-Identifier: BSL-1.0
#pragma once
// Records as rows: loading one, writing back what a rule has changed. Used inside a transaction.

#include <coffer/crypto/key_ring.hpp>
#include <coffer/state/record.hpp>
#include <coffer/state/record_rules.hpp>  // without_body
#include <coffer/store/record_text.hpp>
#include <coffer/store/sqlite_bodies.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_fault.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// A record and where it stands. Bodies stay in the file until they are asked for.
struct stored_record {
    std::int64_t id = 0;  ///< 0: there is no row
    std::string name_space;
    std::string digest;
    record row;
    struct place {
        bool in_file = false;
        std::int64_t body = 0;  ///< answers.id; 0: nowhere
    };
    std::vector<place> sends;  ///< beside `row.sends`
};

class record_rows {
public:
    record_rows(connection& db, std::shared_ptr<crypto::key_ring const> keys) : db_{db}, bodies_{std::move(keys)} {}

    /// The record under a key's digest, without bodies; an empty one if there is none.
    [[nodiscard]] stored_record load(std::string const& digest) {
        stored_record found;
        {
            auto const r = by_key_.with(as_blob(digest));
            if (r.next()) found = read_record(r);
            found.digest = digest;
            if (found.id == 0) return found;
        }
        read_sends(found);
        auto const state = found.row.state;
        if (state == record_state::done && found.row.accepted() == nullptr)
            throw damaged("it is done without an answer");
        if (state == record_state::failed && !found.row.stored_fault) throw damaged("it has failed without a fault");
        return found;
    }
    /// The body of the send at `index`.
    [[nodiscard]] shared_answer with_body(stored_record const& s, std::size_t index) {
        auto const& reply = s.row.sends[index].reply;
        if (!reply || index >= s.sends.size() || s.sends[index].body == 0) return reply;
        auto whole = std::make_shared<answer>(*reply);
        auto const r = body_.with(s.sends[index].body);
        if (!r.next()) throw damaged("a stored answer is gone");
        auto const form = r.integer();
        whole->body = bodies_.read(form, r.bytes(), {s.digest, s.row.sends[index].number});
        return whole;
    }
    void load_bodies(stored_record& s) {
        for (std::size_t i = 0; i < s.row.sends.size(); ++i) s.row.sends[i].reply = with_body(s, i);
    }

    /// Writes the record's own row, a new one if it has none.
    void write(stored_record& s, std::string const& digest) {
        if (s.id != 0) return write_record(update_, s.row, s.id);
        write_record(insert_, s.row, as_blob(digest), std::string_view{s.name_space});
        s.id = db_.last_id();
    }
    /// Writes the row of one send, and its body if that is new.
    void write_send(stored_record& s, int number);
    void remove(stored_record& s) {
        if (s.id != 0) {
            delete_bodies_.run(s.id);
            delete_sends_.run(s.id);
            delete_record_.run(s.id);
        }
        s.id = 0;
        s.sends.clear();
    }
    void drop_bodies(stored_record& s) {
        delete_bodies_.run(s.id);
        forget_bodies_.run(s.id);
        for (auto& p : s.sends) p.body = 0;
    }
    /// Forgets the bodies in memory that stand in the file.
    static void strip_bodies(stored_record& s) {
        for (std::size_t i = 0; i < s.sends.size(); ++i) {
            auto& reply = s.row.sends[i].reply;
            if (reply && s.sends[i].body != 0 && !reply->body.empty()) reply = without_body(*reply);
        }
    }

    /// The keys of a namespace, or of all if it is empty, oldest first; `open_only`: of records that are neither at their
    /// end nor free.
    [[nodiscard]] static char const* keys(bool open_only) noexcept {
        return open_only ? "SELECT key FROM records WHERE (state='claimed' OR state='sent' OR state='answered' OR "
                           "state='unknown') AND (?1='' OR ns=?1) ORDER BY created, id"
                         : "SELECT key FROM records WHERE ?1='' OR ns=?1 ORDER BY created, id";
    }
    /// All records, oldest first, without sends' bodies; `each` says whether to go on.
    template <class Each>
    void for_each(std::string const& name_space, bool open_only, Each&& each) {
        auto const r = (open_only ? open_keys_ : all_keys_).with(std::string_view{name_space});
        while (r.next()) {
            std::string const digest{r.bytes()};
            if (!each(digest, load(digest))) return;
        }
    }

    [[nodiscard]] std::uint64_t last_token() const {
        auto const r = token_.with();
        return r.next() ? r.as<std::uint64_t>() : 0;
    }
    void set_last_token(std::uint64_t token) const { set_token_.run(token); }

private:
    using steady = std::chrono::steady_clock::time_point;
    using wall = std::chrono::system_clock::time_point;

    [[nodiscard]] static std::runtime_error damaged(char const* how) {
        return std::runtime_error{std::string{"a record is damaged, "} + how +
                                  "; restore the store, with its .secret, from a backup"};
    }
    static std::int64_t count(steady t) noexcept { return std::chrono::nanoseconds{t.time_since_epoch()}.count(); }
    static std::int64_t count(wall t) noexcept { return std::chrono::nanoseconds{t.time_since_epoch()}.count(); }
    static steady steady_at(std::int64_t n) noexcept { return steady{std::chrono::nanoseconds{n}}; }
    static wall wall_at(std::int64_t n) noexcept {
        return wall{std::chrono::duration_cast<wall::duration>(std::chrono::nanoseconds{n})};
    }
    static claim_id claim_of(std::string_view bytes) noexcept {
        claim_id id{};
        for (std::size_t i = 0; i < id.size() && i < bytes.size(); ++i) id[i] = static_cast<std::uint8_t>(bytes[i]);
        return id;
    }
    /// States are stored by name; one that only a newer coffer knows must not be mistaken for another.
    template <class State>
    static State state_of(std::string_view name, State last) {
        if (auto const known = state_from_text(name, last)) return *known;
        throw std::runtime_error{"a record is in a state that this coffer does not know; update it"};
    }

    static stored_record read_record(statement::rows const& r) {
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

    void read_sends(stored_record& s) {
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

    template <class... Where>
    static void write_record(statement const& to, record const& x, Where const&... where) {
        auto const print = encode(x.print);
        auto const fault_bytes = x.stored_fault ? encode(*x.stored_fault) : std::string{};
        to.run(to_string(x.state), as_blob(x.claim), x.held ? 1 : 0, std::string_view{x.owner}, x.token,
               count(x.lease_until), x.claims, x.max_sends, x.granted_sends, x.takeover_grace.count(),
               x.acknowledged_kept.count(), x.unacknowledged_kept.count(),
               x.print_known ? std::optional{x.print.version()} : std::nullopt, as_blob(print),
               x.stored_fault ? std::optional{as_blob(fault_bytes)} : std::nullopt, count(x.created), count(x.updated),
               x.expires == wall::max() ? std::nullopt : std::optional{count(x.expires)}, x.cached ? 1 : 0, where...);
    }

    static inline std::string const columns =
        "state, claim, held, owner, token, lease_until, claims, max_sends, granted_sends, takeover_grace, "
        "acknowledged_kept, unacknowledged_kept, print_version, print, fault, created, updated, expires, cached";
    // With the buckets as `usage_buckets` has them.
    static inline std::string const send_columns =
        "state, claim, owner, permitted_until, permitted_at, provider, model, fault, ended_at, answer, status, "
        "request_id, cost, "
        "input_fresh, input_cache_read, input_cache_write_5m, input_cache_write_1h, input_audio, output, output_audio, "
        "reasoning, input_image, output_image, web_searches, tool_calls";

    connection& db_;
    body_codec bodies_;
    statement by_key_{db_, "SELECT id, ns, " + columns + " FROM records WHERE key=?"};
    statement insert_{
        db_, "INSERT INTO records(" + columns + ", key, ns) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
    statement update_{db_, "UPDATE records SET (" + columns + ")=(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) WHERE id=?"};
    statement delete_record_{db_, "DELETE FROM records WHERE id=?"};
    statement sends_{db_, "SELECT number, " + send_columns + " FROM sends WHERE record=? ORDER BY number"};
    statement insert_send_{db_, "INSERT INTO sends(" + send_columns +
                                    ", record, number) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
    statement update_send_{db_,
                           "UPDATE sends SET (" + send_columns +
                               ")=(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) WHERE record=? AND number=?"};
    statement delete_sends_{db_, "DELETE FROM sends WHERE record=?"};
    statement body_{db_, "SELECT codec, body FROM answers WHERE id=?"};
    statement insert_body_{db_, "INSERT INTO answers(codec, body) VALUES(?,?)"};
    statement delete_bodies_{db_, "DELETE FROM answers WHERE id IN (SELECT answer FROM sends WHERE record=?)"};
    statement forget_bodies_{db_, "UPDATE sends SET answer=NULL WHERE record=?"};
    statement all_keys_{db_, keys(false)};
    statement open_keys_{db_, keys(true)};
    statement token_{db_, "SELECT value FROM meta WHERE name='token'"};
    statement set_token_{db_, "UPDATE meta SET value=? WHERE name='token'"};
};

inline void record_rows::write_send(stored_record& s, int number) {
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
