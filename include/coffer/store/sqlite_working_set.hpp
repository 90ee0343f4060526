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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

class working_set {
public:
    working_set(connection& db, std::shared_ptr<crypto::key_ring const> keys)
        : rows_{db, std::move(keys)}, clock_{db}, data_version_{db, "PRAGMA data_version"} {}

    /// The record under a key; an empty one if there is none. Stays where it is until the transaction's end.
    [[nodiscard]] stored_record& of(record_id const& id) {
        auto& e = touch(id);
        if (!e.loaded) {
            e.stored = rows_.load(id.digest);
            e.stored.name_space = id.name_space;
            e.loaded = true;
        }
        return e.stored;
    }
    /// Takes down what a rule has changed in it.
    void changed(record_id const& id, record_changes const& c) {
        if (!c.any()) return;
        auto& e = touch(id);
        if (c.gone) {
            rows_.remove(e.stored);
            e.unwritten = false;
            e.unwritten_sends.clear();
        }
        e.unwritten |= c.row;
        auto& sends = e.unwritten_sends;
        if (c.send != 0 && std::find(sends.begin(), sends.end(), c.send) == sends.end()) sends.push_back(c.send);
        if (c.payloads) {
            write(id.digest, e);
            rows_.drop_bodies(e.stored);
        }
    }
    [[nodiscard]] shared_answer with_body(stored_record const& s, std::size_t index) {
        return rows_.with_body(s, index);
    }

    [[nodiscard]] std::uint64_t last_token() {
        if (!token_) token_ = rows_.last_token();
        return *token_;
    }
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
    void began() {
        auto const r = data_version_.with();
        auto const version = r.next() ? r.integer() : 0;
        if (version != version_ || entries_.size() > most_entries) forget();
        version_ = version;
        clock_.began();
    }
    void ending() { write_all(); }
    /// Only what is being worked on is kept, and no bodies.
    void ended() noexcept {
        clock_.ended();
        try {
            for (auto* const named : std::exchange(touched_, {})) {
                auto& e = named->second;
                e.touched = false;
                if (e.stored.row.held && e.stored.id != 0) record_rows::strip_bodies(e.stored);
                else entries_.erase(entries_.find(named->first));
            }
        } catch (...) {  // no memory
            forget();
        }
    }
    void forget() noexcept {
        touched_.clear();
        entries_.clear();
        token_.reset();
        token_unwritten_ = false;
        clock_.forget();
    }

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

    entry& touch(record_id const& id) {
        auto& named = *entries_.try_emplace(id.digest).first;
        if (!named.second.touched) {
            touched_.push_back(&named);
            named.second.touched = true;
        }
        return named.second;
    }
    void write(std::string const& digest, entry& e) {
        if (!e.unwritten) return;
        rows_.write(e.stored, digest);
        for (auto const number : e.unwritten_sends) rows_.write_send(e.stored, number);
        e.unwritten = false;
        e.unwritten_sends.clear();
    }
    void write_all() {
        for (auto* const named : touched_) write(named->first, named->second);
        if (token_unwritten_) rows_.set_last_token(*token_);
        token_unwritten_ = false;
        clock_.write();
    }

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
