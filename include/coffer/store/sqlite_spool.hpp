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

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
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
[[nodiscard]] inline std::optional<std::string> read_spooled(std::filesystem::path const& path) {
    auto const fail = [&] { throw std::system_error{errno, std::generic_category(), "cannot read " + path.string()}; };
    descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!file && errno == ENOENT) return std::nullopt;
    struct stat s{};
    if (!file || ::fstat(file.get(), &s) != 0) fail();
    std::string bytes(static_cast<std::size_t>(s.st_size), '\0');
    for (std::size_t size = 0; size < bytes.size();) {
        auto const got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail();
        if (got == 0) bytes.resize(size);
        size += static_cast<std::size_t>(got);
    }
    return bytes;
}

/// The directory of such files. Thread safety: `keep`, `drop` and `set_aside` any thread, the rest the store's; several
/// processes.
class spool {
public:
    /// Nothing is made before it is needed. `most_bytes`: of this process's files together.
    spool(std::filesystem::path directory, process_owner const& owner, std::size_t most_bytes,
          std::shared_ptr<crypto::key_ring const> keys = {})
        : directory_{std::move(directory)}, owner_{owner}, most_{most_bytes}, bodies_{std::move(keys)} {}

    /// Writes the answer down, durable when this returns. The file's path; empty if it cannot be done.
    [[nodiscard]] std::filesystem::path keep(spooled_answer const& a) noexcept {
        try {
            auto const bytes = encode(a, bodies_);
            auto path = directory_ / spool_name(owner_.name(), a);
            if (!reserve(path, bytes.size())) return {};
            if (write(path, bytes)) return path;
            give_back(path);
        } catch (...) {  // it stays in memory
        }
        return {};
    }
    /// The answer is in the store.
    void drop(std::filesystem::path const& file) noexcept {
        std::error_code ignored;
        std::filesystem::remove(file, ignored);
        give_back(file);
    }
    /// The store will never take this one: it is left for somebody to look at, and not read again.
    void set_aside(std::filesystem::path const& file) const noexcept {
        std::error_code ignored;
        try {
            auto aside = file;
            std::filesystem::rename(file, aside += ".refused", ignored);
        } catch (...) {  // no memory: it stays
        }
    }

    /// What dead processes have left, drafts too. Opens none of it. Throws `std::system_error`.
    [[nodiscard]] std::vector<spool_file> left_by_the_dead() const {
        std::vector<spool_file> left;
        std::map<std::string, bool> dead;
        for_each_spooled(directory_, [&](std::filesystem::path const& path) {
            auto f = spool_file_at(path);
            if (!f) return;
            auto const [known, is_new] = dead.try_emplace(f->owner);
            if (is_new) known->second = owner_.is_dead(f->owner);
            if (known->second) left.push_back(*std::move(f));
        });
        return left;
    }
    /// What belongs to a record, whoever has left it; of those that live, no drafts. Throws `std::system_error`.
    [[nodiscard]] std::vector<spool_file> of(std::string_view digest) const {
        std::vector<spool_file> found;
        for_each_spooled(directory_, [&](std::filesystem::path const& path) {
            auto f = spool_file_at(path);
            if (f && f->digest == digest && (!f->is_draft || owner_.is_dead(f->owner))) found.push_back(*std::move(f));
        });
        return found;
    }
    /// The answer in such a file; nothing if it is gone or holds none. Then a torn draft is removed, and anything else set
    /// aside (unless its owner lives: a newer coffer knows what it is).
    ///
    /// Throws `std::runtime_error` for one that is there and cannot be read, perhaps for want of its key: it stays.
    [[nodiscard]] std::optional<spooled_answer> read(spool_file const& f) const {
        auto const bytes = read_spooled(f.path);
        if (!bytes) return std::nullopt;
        auto a = decode_spooled(*bytes, bodies_);
        std::error_code ignored;
        if (!a && f.is_draft) std::filesystem::remove(f.path, ignored);
        else if (!a && (f.owner == owner_.name() || owner_.is_dead(f.owner))) set_aside(f.path);
        return a;
    }
    /// The same for an answer that this process has kept.
    [[nodiscard]] shared_answer read_back(std::filesystem::path const& file) const {
        auto const bytes = read_spooled(file);
        auto const a = bytes ? decode_spooled(*bytes, bodies_) : std::nullopt;
        return a ? a->what : nullptr;
    }

    /// Has everything been taken in that the dead had left when the store was opened? Until then a record that is gone may
    /// have an answer here.
    [[nodiscard]] bool is_taken_in() const noexcept { return taken_in_; }
    void set_taken_in() noexcept { taken_in_ = true; }

private:
    [[nodiscard]] bool reserve(std::filesystem::path const& path, std::size_t size) {
        std::lock_guard const lock{mutex_};
        if (size > most_ - std::min(used_, most_)) return false;
        auto& mine = mine_[path.string()];
        used_ += size - std::exchange(mine, size);
        return true;
    }
    void give_back(std::filesystem::path const& path) noexcept {
        std::lock_guard const lock{mutex_};
        auto const at = mine_.find(path.native());
        if (at == mine_.end()) return;
        used_ -= at->second;
        mine_.erase(at);
    }

    /// All or nothing: written under another name first.
    [[nodiscard]] bool write(std::filesystem::path const& path, std::string_view bytes) const {
        if (::mkdir(directory_.c_str(), 0700) == 0) sync_directory(directory_.parent_path());
        auto draft = path;
        draft += draft_suffix;
        descriptor const file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!file) return false;
        while (!bytes.empty()) {
            auto const written = ::write(file.get(), bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) break;
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        std::error_code code;
        bool const whole = bytes.empty() && ::fsync(file.get()) == 0;
        if (whole) std::filesystem::rename(draft, path, code);
        if (!whole || code) {
            std::filesystem::remove(draft, code);
            return false;
        }
        sync_directory(directory_);
        return true;
    }

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
