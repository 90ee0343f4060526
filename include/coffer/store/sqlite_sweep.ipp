// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_sweep.hpp.

#include <coffer/store/sqlite_sweep.hpp>

#include <stdexcept>
#include <vector>

namespace coffer::inline COFFER_ABI {

namespace sqlite {

COFFER_INLINE collected& collected::operator+=(collected const& other) noexcept {
    removed += other.removed;
    expired += other.expired;
    lapsed += other.lapsed;
    jobs += other.jobs;
    bytes += other.bytes;
    return *this;
}

}  // namespace sqlite

namespace sqlite::detail {

COFFER_INLINE bool sweep::any(std::chrono::system_clock::time_point now) const {
    sweep_place const beginning;
    auto const r = next_.with(nanoseconds(now), beginning.after.first, beginning.after.second, 1);
    return r.next();
}

COFFER_INLINE swept sweep::some(working_set& records, sweep_place from, record_moment at,
                                record_machine::owner_is_dead const& dead) {
    swept s{{}, from};
    std::vector<due> batch;
    {
        auto const r = next_.with(nanoseconds(at.trusted), from.after.first, from.after.second, most_rows);
        while (r.next()) {
            due d;
            d.expires = r.integer();
            d.row = r.integer();
            d.id.name_space = r.bytes();
            d.id.digest = r.bytes();
            batch.push_back(std::move(d));
        }
    }
    for (auto const& d : batch) {
        if (s.done.bytes >= most_bytes) return s;
        s.place.after = {d.expires, d.row};
        apply(records, d.id, at, dead, s.done);
    }
    s.place.over = batch.size() < most_rows;
    return s;
}

COFFER_INLINE std::int64_t sweep::nanoseconds(std::chrono::system_clock::time_point t) noexcept {
    return std::chrono::nanoseconds{t.time_since_epoch()}.count();
}

COFFER_INLINE void sweep::apply(working_set& records, record_id const& id, record_moment at,
                                record_machine::owner_is_dead const& dead, collected& done) {
    stored_record* found = nullptr;
    try {
        found = &records.of(id);
    } catch (error const&) {
        throw;
    } catch (std::runtime_error const&) {
        return;  // damaged, or of a newer coffer: whoever asks for it is told
    }
    auto const was = found->row.state;
    auto const r = bytes_.with(found->id);
    auto const bytes = r.next() ? r.integer() : 0;
    record_machine const m{found->row, at, dead};
    if (!m.changes().any()) return;
    if (m.changes().gone) ++done.removed;
    else if (was == record_state::done) ++done.expired;
    else ++done.lapsed;
    if (m.changes().gone || m.changes().payloads) done.bytes += bytes;
    records.changed(id, m.changes());
}

}  // namespace sqlite::detail

}  // namespace coffer::inline COFFER_ABI
