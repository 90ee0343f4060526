// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_reader.hpp.

#include <coffer/store/sqlite_reader.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace sqlite::detail {

COFFER_INLINE std::filesystem::path existing_file(std::filesystem::path const& named) {
    std::error_code code;
    auto path = std::filesystem::canonical(named, code);
    if (code == std::errc::permission_denied)
        throw std::runtime_error{"coffer::sqlite: cannot open " + named.string() + ": " + code.message()};
    if (code)
        throw std::runtime_error{"coffer::sqlite: " + named.string() +
                                 ": no such file; name the store's file, e.g. coffer.db"};
    if (!std::filesystem::is_regular_file(path, code))
        throw std::runtime_error{"coffer::sqlite: cannot open " + path.string() + ": it is not a regular file"};
    return path;
}

COFFER_INLINE std::unique_ptr<connection> open_beside(std::filesystem::path const& path, access may,
                                                      std::chrono::milliseconds patience) {
    if (auto const why = why_not_open(path))
        throw std::runtime_error{"coffer::sqlite: cannot open " + path.string() + ": " + *why};
    return in_words(path.string(), "cannot open ", [&] {
        auto db = std::make_unique<connection>(path.string(), patience, may);
        auto const found = recognise(*db, path.string());
        if (found.empty)
            throw std::runtime_error{"coffer::sqlite: " + path.string() +
                                     " is empty: no store has been made in it yet"};
        if (found.version != format_version)
            throw std::runtime_error{"coffer::sqlite: " + path.string() + " has format " +
                                     std::to_string(found.version) + ", and this coffer looks at format " +
                                     std::to_string(format_version) +
                                     "; the first program with this coffer that opens it brings it there (so does "
                                     "`coffer gc`, and older programs can no longer open it then)"};
        db->run("PRAGMA trusted_schema=OFF");
        return db;
    });
}

COFFER_INLINE glance::glance(record& row, record_moment at, owner_files const& owners)
    : record_rules{row, at, [&owners](std::string const& name) { return owners.is_dead(name); }} {}

COFFER_INLINE bool glance::may_come_back() const {
    return is_busy() || std::any_of(r_.sends.begin(), r_.sends.end(), [this](auto const& s) {
               return s.state == send_state::permitted && !dead_(s.owner);
           });
}

}  // namespace sqlite::detail

namespace sqlite {

COFFER_INLINE reader::reader(std::filesystem::path const& file, std::shared_ptr<crypto::key_ring const> keys,
                             std::chrono::milliseconds patience)
    : path_{detail::existing_file(file)},
      db_{detail::open_beside(path_, detail::access::read, patience)},
      owners_{path_.string() + ".owners"} {
    explained([&] {  // also what can go wrong in preparing to ask
        rows_.emplace(*db_, std::move(keys));
        clock_.emplace(*db_);
        db_->run("BEGIN");
        (void)detail::ask(*db_, "PRAGMA user_version");  // SQLite's view begins with the first look
    });
}

COFFER_INLINE std::optional<seen_record> reader::find(record_id const& id) {
    return explained([&] { return seen_at(moment(), id.digest); });
}

COFFER_INLINE bool reader::has_body(record_id const& id, int send) {
    return explained([&] {
        auto const stored = rows_->load(id.digest);
        for (std::size_t i = 0; i < stored.sends.size(); ++i)
            if (stored.row.sends[i].number == send) return stored.sends[i].body != 0;
        return false;
    });
}

COFFER_INLINE bool reader::has_sealed_bodies() const {
    return explained([&] {
        detail::statement const any{*db_, "SELECT EXISTS(SELECT 1 FROM answers WHERE codec<>0)"};
        auto const r = any.with();
        return r.next() && r.integer() != 0;
    });
}

COFFER_INLINE std::optional<std::string> reader::body(record_id const& id, int send) {
    return explained([&]() -> std::optional<std::string> {
        auto const stored = rows_->load(id.digest);
        for (std::size_t i = 0; i < stored.sends.size(); ++i)
            if (stored.row.sends[i].number == send && stored.sends[i].body != 0)
                return rows_->with_body(stored, i)->body;
        return std::nullopt;
    });
}

COFFER_INLINE bool reader::matches(selection const& which, seen_record const& r) {
    return (!which.state || r.row.state == *which.state) && (!which.unresolved_only || r.unresolved) &&
           (which.older_than.count() <= 0 || std::chrono::system_clock::now() - r.row.updated >= which.older_than);
}

COFFER_INLINE std::optional<seen_record> reader::seen_at(record_moment at, std::string const& digest) {
    auto stored = rows_->load(digest);
    if (stored.id == 0) return std::nullopt;
    seen_record seen{{stored.name_space, digest}, std::move(stored.row), false, false};
    detail::glance const now{seen.row, at, owners_};
    if (now.changes().gone) return std::nullopt;
    seen.unresolved = now.is_unresolved();
    seen.busy = now.is_busy();
    return seen;
}

}  // namespace sqlite

}  // namespace coffer::inline COFFER_ABI
