// SPDX-License-Identifier: BSL-1.0
#pragma once
// Paid answers that the store's file would not take, as files of their own beside it, until it does.
//
// What waits in memory for the file to work again dies with the process; what is spooled does not. While its process
// lives, that one sees to it. Whoever claims its key takes it in first, and so does the next process that opens the store
// once its owner is dead.

#include <coffer/crypto/key_ring.hpp>
#include <coffer/store/sqlite_owner.hpp>
#include <coffer/store/sqlite_secret.hpp>  // sync_directory
#include <coffer/store/sqlite_spooled.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// The files in a spool's directory, of whatever names. Throws `std::system_error` if there is one that cannot be read.
template <class Fn>
void for_each_spooled(std::filesystem::path const& directory, Fn const& fn) {
    std::error_code code;
    for (std::filesystem::directory_iterator at{directory, code}, end; !code && at != end; at.increment(code))
        fn(at->path());
    if (code && code != std::errc::no_such_file_or_directory && code != std::errc::not_a_directory)
        throw std::system_error{code, "cannot look into " + directory.string()};
}

/// What stands in a file of the spool; nothing if it is gone. Throws `std::system_error`.
[[nodiscard]] std::optional<std::string> read_spooled(std::filesystem::path const& path);

/// The directory of such files. Thread safety: `keep`, `drop` and `set_aside` any thread, the rest the store's; several
/// processes.
class spool {
public:
    /// Nothing is made before it is needed. `most_bytes`: of this process's files together.
    spool(std::filesystem::path directory, process_owner const& owner, std::size_t most_bytes,
          std::shared_ptr<crypto::key_ring const> keys = {});

    /// Writes the answer down, durable when this returns. The file's path; empty if it cannot be done.
    [[nodiscard]] std::filesystem::path keep(spooled_answer const& a) noexcept;
    /// The answer is in the store.
    void drop(std::filesystem::path const& file) noexcept;
    /// The store will never take this one: it is left for somebody to look at, and not read again.
    void set_aside(std::filesystem::path const& file) const noexcept;

    /// What dead processes have left, drafts too. Opens none of it. Throws `std::system_error`.
    [[nodiscard]] std::vector<spool_file> left_by_the_dead() const;
    /// What belongs to a record, whoever has left it; of those that live, no drafts. Throws `std::system_error`.
    [[nodiscard]] std::vector<spool_file> of(std::string_view digest) const;
    /// The answer in such a file; nothing if it is gone or holds none. Then a torn draft is removed, and anything else set
    /// aside (unless its owner lives: a newer coffer knows what it is).
    ///
    /// Throws `std::runtime_error` for one that is there and cannot be read, perhaps for want of its key: it stays.
    [[nodiscard]] std::optional<spooled_answer> read(spool_file const& f) const;
    /// The same for an answer that this process has kept.
    [[nodiscard]] shared_answer read_back(std::filesystem::path const& file) const;

    /// Has everything been taken in that the dead had left when the store was opened? Until then a record that is gone may
    /// have an answer here.
    [[nodiscard]] bool is_taken_in() const noexcept { return taken_in_; }
    void set_taken_in() noexcept { taken_in_ = true; }

private:
    [[nodiscard]] bool reserve(std::filesystem::path const& path, std::size_t size);
    void give_back(std::filesystem::path const& path) noexcept;

    /// All or nothing: written under another name first.
    [[nodiscard]] bool write(std::filesystem::path const& path, std::string_view bytes) const;

    std::filesystem::path const directory_;
    process_owner const& owner_;
    std::size_t const most_;
    body_codec const bodies_;
    bool taken_in_ = false;
    std::mutex mutex_;
    std::map<std::string, std::size_t> mine_;  // this process's files and their sizes
    std::size_t used_ = 0;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_spool.ipp>
#endif
