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

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

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
[[nodiscard]] std::filesystem::path existing_file(std::filesystem::path const& named);

/// Opens a store's file beside the processes that use it. Throws `std::runtime_error`, which says what to do.
[[nodiscard]] std::unique_ptr<connection> open_beside(std::filesystem::path const& path, access may,
                                                      std::chrono::milliseconds patience);

/// A record's rules, for a look.
class glance : public record_rules {
public:
    glance(record& row, record_moment at, owner_files const& owners);
    [[nodiscard]] bool is_busy() const { return left_to_owner(r_.takeover_grace).has_value(); }
    /// Could an answer still be brought, by a process that was stopped for however long?
    [[nodiscard]] bool may_come_back() const;
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
                    std::chrono::milliseconds patience = std::chrono::milliseconds{5000});

    /// Free of symbolic links.
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }
    /// For what else there is to ask.
    [[nodiscard]] detail::connection& db() const noexcept { return *db_; }
    /// Which processes are alive; for the reader's own companions.
    [[nodiscard]] detail::owner_files const& owners() const noexcept { return owners_; }
    /// The file's trusted time; for the reader's own companions.
    [[nodiscard]] detail::file_clock const& clock() const noexcept { return *clock_; }

    /// The record of that name; none if there is none.
    [[nodiscard]] std::optional<seen_record> find(record_id const& id);

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
    [[nodiscard]] bool has_body(record_id const& id, int send);
    /// Is any body encrypted?
    [[nodiscard]] bool has_sealed_bodies() const;
    /// The stored body of one send; none if it has none (any more). One that is encrypted under a key that was not given
    /// throws.
    [[nodiscard]] std::optional<std::string> body(record_id const& id, int send);

    /// What `fn` returns; an error of SQLite's in words.
    template <class Fn>
    std::invoke_result_t<Fn&> explained(Fn&& fn) const {
        db_->check_process();
        return detail::in_words(path_.string(), {}, fn);
    }

private:
    [[nodiscard]] static bool matches(selection const& which, seen_record const& r);
    [[nodiscard]] record_moment moment() const { return clock_->look(detail::read_clocks(owners_)); }
    [[nodiscard]] std::optional<seen_record> seen_at(record_moment at, std::string const& digest);

    std::filesystem::path path_;
    std::unique_ptr<detail::connection> db_;
    std::optional<detail::record_rows> rows_;
    detail::owner_files owners_;
    std::optional<detail::file_clock> clock_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_reader.ipp>
#endif
