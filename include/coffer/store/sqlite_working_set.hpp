// SPDX-License-Identifier: BSL-1.0
#pragma once
// The records that the store's thread has at hand, so that a key's several steps read and write its rows once.
//
// What stands here is written before the transaction's end, and believed in the next one only if no other connection
// has written in between. So it saves statements and decides nothing.

#include <coffer/crypto/key_ring.hpp>
#include <coffer/state/record.hpp>
#include <coffer/state/record_rules.hpp>
#include <coffer/store/sqlite_clock.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_rows.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

class working_set {
public:
    working_set(connection& db, std::shared_ptr<crypto::key_ring const> keys);

    /// The record under a key; an empty one if there is none. Stays where it is until the transaction's end.
    [[nodiscard]] stored_record& of(record_id const& id);
    /// Takes down what a rule has changed in it.
    void changed(record_id const& id, record_changes const& c);
    [[nodiscard]] shared_answer with_body(stored_record const& s, std::size_t index) {
        return rows_.with_body(s, index);
    }

    [[nodiscard]] std::uint64_t last_token();
    void set_last_token(std::uint64_t token) noexcept {
        token_ = token;
        token_unwritten_ = true;
    }

    /// That moment, by the file's trusted time.
    [[nodiscard]] record_moment moment(clock_reading const& now) { return clock_.moment(now); }
    [[nodiscard]] bool clock_is_due(clock_reading const& now) const { return clock_.is_due(now); }

    /// For reading past what is at hand: everything is written first.
    [[nodiscard]] record_rows& rows() {
        write_all();
        return rows_;
    }

    // What the writer tells of its transactions.
    void began();
    void ending() { write_all(); }
    /// Only what is being worked on is kept, and no bodies.
    void ended() noexcept;
    void forget() noexcept;

private:
    static constexpr std::size_t most_entries = 4096;

    struct entry {
        stored_record stored;
        bool loaded = false;
        bool touched = false;  // in this transaction
        bool unwritten = false;
        std::vector<int> unwritten_sends;
    };
    using entries = std::unordered_map<std::string, entry>;

    entry& touch(record_id const& id);
    void write(std::string const& digest, entry& e);
    void write_all();

    record_rows rows_;
    file_clock clock_;
    statement data_version_;
    std::int64_t version_ = 0;
    entries entries_;
    std::vector<entries::value_type*> touched_;
    std::optional<std::uint64_t> token_;
    bool token_unwritten_ = false;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_working_set.ipp>
#endif
