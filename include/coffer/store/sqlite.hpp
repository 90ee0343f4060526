// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store in one SQLite file, shared by any number of processes of one host.
//
//     coffer::sqlite::store db{"coffer.db"};
//
// Beside coffer.db stand coffer.db.secret (under which keys are stored: back both up, together), coffer.db.owners/
// (one locked file for each living process) and SQLite's own -wal and -shm.

#include <coffer/base/on_use.hpp>
#include <coffer/store/sqlite_backend.hpp>
#include <coffer/store/store.hpp>

#include <filesystem>
#include <memory>

namespace coffer::inline COFFER_ABI::sqlite {

/// Counters of a store's thread since it began: `operations` carried out, `commits` (each a sync of the disk),
/// `failures` of
/// transactions, and `waiting`, the operations after a send that are still tried.
using stats = detail::counters;

/// A store in a file. Copies, and handles of the same file by whatever path, share one state, thread and flight table.
///
/// What is acknowledged survives the process and a power cut (WAL, synchronous=FULL). Keys and fingerprints are stored
/// as HMAC-SHA-256 under the installation's secret, their namespaces in the clear, and so are the answers' bodies unless
/// `options::body_keys` are given (docs/data.md says what stands where); all files are readable by their user only. A
/// process's death is seen at once by the others. The file must be on a local file system (others are refused). A process
/// that is forked off while it is open is refused it: open it only after `fork`, or close it before, or let the new
/// process `exec`.
///
/// A thread of the store does all the work; what has queued up meanwhile shares one commit. An answer that cannot be
/// written is kept beside the file (in memory if that cannot be either) and tried until it is, or until the last handle
/// is destroyed, which takes `close_timeout` at most. Thread safety: any thread.
class store : public coffer::store {
public:
    /// Opens the store, and makes it if there is none; its directory must exist.
    ///
    /// Throws `std::runtime_error`, which says what is wrong with which file and what to do: no such directory, no
    /// permission, a network file system, a mount of the single file, not a store, emptied, a newer format, damaged, its
    /// secret missing or another's, its log removed while others have it open. Throws `std::invalid_argument` for a
    /// `max_bytes` below 1 MiB and for a negative time.
    explicit store(std::filesystem::path const& file, options o = {});

    /// Clears away the records whose time is over, now: the store's thread does the same in small steps by itself
    /// (`options.sweep_every`). In small steps here too; others are served between them.
    ///
    /// Throws `failure` (`store_unavailable`); what was done until then stays done. May be left at any step.
    template <class = on_use>
    [[nodiscard]] awaitable<collected> collect() const {
        return collect_all(backend_);
    }
    /// What the store's thread has done so far, for all handles of the file in this process.
    [[nodiscard]] sqlite::stats stats() const noexcept;
    /// The file, free of symbolic links.
    [[nodiscard]] std::filesystem::path path() const { return backend_->file().path(); }

private:
    explicit store(std::shared_ptr<detail::backend> b);
    template <class = on_use>
    static awaitable<collected> collect_all(std::shared_ptr<detail::backend> backend);

    std::shared_ptr<detail::backend> backend_;
};

template <class>
awaitable<collected> store::collect_all(std::shared_ptr<detail::backend> backend) {
    auto const executor = co_await asio::this_coro::executor;
    auto& service = clock_service::of(executor);
    backend->bind(service.clock());
    collected all;
    for (detail::sweep_place place; !place.over;) {
        auto const done = backend->collect(place);
        co_await done.wait(service, time_point::max());
        auto const* const result = done.get();
        if (result == nullptr) throw_failure(fault{fault_kind::cancelled, "left while the store was at work"});
        auto const batch = value_or_throw(outcome<detail::swept>{*result});
        all += batch.done;
        place = batch.place;
    }
    co_return all;
}

}  // namespace coffer::inline COFFER_ABI::sqlite

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite.ipp>
#endif
