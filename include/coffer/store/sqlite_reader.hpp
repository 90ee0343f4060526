// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store's file, looked at from outside: nothing is made, brought to a newer format, or changed; no secret is needed.
//
//     coffer::sqlite::reader file{"coffer.db"};
//     file.for_each(coffer::sqlite::selection{}, [](coffer::sqlite::seen_record const& r) { ...; return true; });

#include <coffer/state/record_machine.hpp>
#include <coffer/store/sqlite_clock.hpp>
#include <coffer/store/sqlite_connection.hpp>
#include <coffer/store/sqlite_entry.hpp>
#include <coffer/store/sqlite_failure.hpp>
#include <coffer/store/sqlite_owner.hpp>
#include <coffer/store/sqlite_rows.hpp>
#include <coffer/store/sqlite_schema.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite {

/// Which records to look at.
struct selection {
    std::string name_space;              ///< empty: all
    std::optional<record_state> state;  ///< none: all
    bool unresolved_only = false;        ///< those that wait for an operator
    bool open_only = false;              ///< those that are neither at their end nor free
    std::chrono::nanoseconds older_than{};  ///< nothing has happened to them for so long
    std::size_t limit = std::numeric_limits<std::size_t>::max();  ///< at most so many, the oldest
};

/// A record as it stands now.
struct seen_record {
    record_id id;  ///< its namespace, and the rest as the file keeps it
    record row;               ///< its answers without their bodies
    bool unresolved = false;  ///< waits for an operator
    bool busy = false;        ///< somebody is working on it
};

namespace detail {

/// The file that a path names, free of symbolic links. Throws `std::runtime_error` if there is none.
[[nodiscard]] inline std::filesystem::path existing_file(std::filesystem::path const& named) {
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

/// Opens a store's file beside the processes that use it. Throws `std::runtime_error`, which says what to do.
[[nodiscard]] inline std::unique_ptr<connection> open_beside(std::filesystem::path const& path, access may,
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

/// A record's rules, for a look.
class glance : public record_rules {
public:
    glance(record& row, record_moment at, owner_files const& owners)
        : record_rules{row, at, [&owners](std::string const& name) { return owners.is_dead(name); }} {}
    [[nodiscard]] bool is_busy() const { return left_to_owner(r_.takeover_grace).has_value(); }
    /// Could an answer still be brought, by a process that was stopped for however long?
    [[nodiscard]] bool may_come_back() const {
        return is_busy() || std::any_of(r_.sends.begin(), r_.sends.end(), [this](auto const& s) {
                   return s.state == send_state::permitted && !dead_(s.owner);
               });
    }
};

}  // namespace detail

/// One view of the file at the moment when it was made; others go on writing meanwhile. One thread at a time, and no
/// process that was forked off since.
///
/// What it throws says what to do, as `store`'s constructor; reading needs no lock that another process could keep.
class reader {
public:
    /// `keys`: for `body`, if bodies are encrypted.
    explicit reader(std::filesystem::path const& file, std::shared_ptr<crypto::key_ring const> keys = {},
                    std::chrono::milliseconds patience = std::chrono::milliseconds{5000})
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

    /// Free of symbolic links.
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }
    /// For what else there is to ask.
    [[nodiscard]] detail::connection& db() const noexcept { return *db_; }
    /// Which processes are alive; for the reader's own companions.
    [[nodiscard]] detail::owner_files const& owners() const noexcept { return owners_; }
    /// The file's trusted time; for the reader's own companions.
    [[nodiscard]] detail::file_clock const& clock() const noexcept { return *clock_; }

    /// The record of that name; none if there is none.
    [[nodiscard]] std::optional<seen_record> find(record_id const& id) {
        return explained([&] { return seen_at(moment(), id.digest); });
    }

    /// Oldest first; `each` says whether to go on. Returns how many could not be read.
    template <class Each>
    std::size_t for_each(selection const& which, Each&& each) {
        return explained([&] {
            std::size_t unreadable = 0;
            std::size_t left = which.limit;
            auto const now = moment();
            detail::statement const keys{*db_, detail::record_rows::keys(which.unresolved_only || which.open_only)};
            auto const r = keys.with(std::string_view{which.name_space});
            while (left > 0 && r.next()) {
                std::optional<seen_record> seen;
                try {
                    seen = seen_at(now, std::string{r.bytes()});
                } catch (detail::error const&) {
                    throw;
                } catch (std::runtime_error const&) {
                    ++unreadable;
                    continue;
                }
                if (!seen || !matches(which, *seen)) continue;
                --left;
                if (!each(*seen)) break;
            }
            return unreadable;
        });
    }

    /// Is the body of that send still stored?
    [[nodiscard]] bool has_body(record_id const& id, int send) {
        return explained([&] {
            auto const stored = rows_->load(id.digest);
            for (std::size_t i = 0; i < stored.sends.size(); ++i)
                if (stored.row.sends[i].number == send) return stored.sends[i].body != 0;
            return false;
        });
    }
    /// Is any body encrypted?
    [[nodiscard]] bool has_sealed_bodies() const {
        return explained([&] {
            detail::statement const any{*db_, "SELECT EXISTS(SELECT 1 FROM answers WHERE codec<>0)"};
            auto const r = any.with();
            return r.next() && r.integer() != 0;
        });
    }
    /// The stored body of one send; none if it has none (any more). One that is encrypted under a key that was not given
    /// throws.
    [[nodiscard]] std::optional<std::string> body(record_id const& id, int send) {
        return explained([&]() -> std::optional<std::string> {
            auto const stored = rows_->load(id.digest);
            for (std::size_t i = 0; i < stored.sends.size(); ++i)
                if (stored.row.sends[i].number == send && stored.sends[i].body != 0)
                    return rows_->with_body(stored, i)->body;
            return std::nullopt;
        });
    }

    /// What `fn` returns; an error of SQLite's in words.
    template <class Fn>
    std::invoke_result_t<Fn&> explained(Fn&& fn) const {
        db_->check_process();
        return detail::in_words(path_.string(), {}, fn);
    }

private:
    [[nodiscard]] static bool matches(selection const& which, seen_record const& r) {
        return (!which.state || r.row.state == *which.state) && (!which.unresolved_only || r.unresolved) &&
               (which.older_than.count() <= 0 || std::chrono::system_clock::now() - r.row.updated >= which.older_than);
    }
    [[nodiscard]] record_moment moment() const { return clock_->look(detail::read_clocks(owners_)); }
    [[nodiscard]] std::optional<seen_record> seen_at(record_moment at, std::string const& digest) {
        auto stored = rows_->load(digest);
        if (stored.id == 0) return std::nullopt;
        seen_record seen{{stored.name_space, digest}, std::move(stored.row), false, false};
        detail::glance const now{seen.row, at, owners_};
        if (now.changes().gone) return std::nullopt;
        seen.unresolved = now.is_unresolved();
        seen.busy = now.is_busy();
        return seen;
    }

    std::filesystem::path path_;
    std::unique_ptr<detail::connection> db_;
    std::optional<detail::record_rows> rows_;
    detail::owner_files owners_;
    std::optional<detail::file_clock> clock_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite
