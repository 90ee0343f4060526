// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_working_set.hpp.

#include <coffer/store/sqlite_working_set.hpp>

#include <algorithm>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE working_set::working_set(connection& db, std::shared_ptr<crypto::key_ring const> keys)
    : rows_{db, std::move(keys)}, clock_{db}, data_version_{db, "PRAGMA data_version"} {}

COFFER_INLINE stored_record& working_set::of(record_id const& id) {
    auto& e = touch(id);
    if (!e.loaded) {
        e.stored = rows_.load(id.digest);
        e.stored.name_space = id.name_space;
        e.loaded = true;
    }
    return e.stored;
}

COFFER_INLINE void working_set::changed(record_id const& id, record_changes const& c) {
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

COFFER_INLINE std::uint64_t working_set::last_token() {
    if (!token_) token_ = rows_.last_token();
    return *token_;
}

COFFER_INLINE void working_set::began() {
    auto const r = data_version_.with();
    auto const version = r.next() ? r.integer() : 0;
    if (version != version_ || entries_.size() > most_entries) forget();
    version_ = version;
    clock_.began();
}

COFFER_INLINE void working_set::ended() noexcept {
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

COFFER_INLINE void working_set::forget() noexcept {
    touched_.clear();
    entries_.clear();
    token_.reset();
    token_unwritten_ = false;
    clock_.forget();
}

COFFER_INLINE working_set::entry& working_set::touch(record_id const& id) {
    auto& named = *entries_.try_emplace(id.digest).first;
    if (!named.second.touched) {
        touched_.push_back(&named);
        named.second.touched = true;
    }
    return named.second;
}

COFFER_INLINE void working_set::write(std::string const& digest, entry& e) {
    if (!e.unwritten) return;
    rows_.write(e.stored, digest);
    for (auto const number : e.unwritten_sends) rows_.write_send(e.stored, number);
    e.unwritten = false;
    e.unwritten_sends.clear();
}

COFFER_INLINE void working_set::write_all() {
    for (auto* const named : touched_) write(named->first, named->second);
    if (token_unwritten_) rows_.set_last_token(*token_);
    token_unwritten_ = false;
    clock_.write();
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
