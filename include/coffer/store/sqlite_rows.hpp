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
    record_rows(connection& db, std::shared_ptr<crypto::key_ring const> keys);

    /// The record under a key's digest, without bodies; an empty one if there is none.
    [[nodiscard]] stored_record load(std::string const& digest);
    /// The body of the send at `index`.
    [[nodiscard]] shared_answer with_body(stored_record const& s, std::size_t index);
    void load_bodies(stored_record& s);

    /// Writes the record's own row, a new one if it has none.
    void write(stored_record& s, std::string const& digest);
    /// Writes the row of one send, and its body if that is new.
    void write_send(stored_record& s, int number);
    void remove(stored_record& s);
    void drop_bodies(stored_record& s);
    /// Forgets the bodies in memory that stand in the file.
    static void strip_bodies(stored_record& s);

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

    [[nodiscard]] std::uint64_t last_token() const;
    void set_last_token(std::uint64_t token) const { set_token_.run(token); }

private:
    using steady = std::chrono::steady_clock::time_point;
    using wall = std::chrono::system_clock::time_point;

    [[nodiscard]] static std::runtime_error damaged(char const* how);
    static std::int64_t count(steady t) noexcept;
    static std::int64_t count(wall t) noexcept;
    static steady steady_at(std::int64_t n) noexcept { return steady{std::chrono::nanoseconds{n}}; }
    static wall wall_at(std::int64_t n) noexcept;
    static claim_id claim_of(std::string_view bytes) noexcept;
    /// States are stored by name; one that only a newer coffer knows must not be mistaken for another.
    template <class State>
    static State state_of(std::string_view name, State last) {
        if (auto const known = state_from_text(name, last)) return *known;
        throw std::runtime_error{"a record is in a state that this coffer does not know; update it"};
    }

    static stored_record read_record(statement::rows const& r);

    void read_sends(stored_record& s);

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

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_rows.ipp>
#endif
