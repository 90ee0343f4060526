// SPDX-License-Identifier: BSL-1.0
#pragma once
// A copy of a store, with its secret: without that no key in it could be found, and everything would be paid again.
//
//     coffer::sqlite::backup("coffer.db", "/backup/coffer-2026-11-22.db");

#include <coffer/store/sqlite_owner.hpp>
#include <coffer/store/sqlite_reader.hpp>
#include <coffer/store/sqlite_secret.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite {

/// What was copied.
struct backed_up {
    std::int64_t bytes = 0;  ///< of the copy
    std::size_t records = 0;  ///< of any state
};

namespace detail {

/// A file that has no name of its own until it is whole and on the disk.
class draft {
public:
    explicit draft(std::filesystem::path target)
        : target_{std::move(target)}, path_{target_.string() + "." + random_name()} {
        file_ = descriptor{::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!file_ || ::fchmod(file_.get(), 0600) != 0) fail("cannot be made");
    }
    draft(draft const&) = delete;
    draft& operator=(draft const&) = delete;
    ~draft() {
        ::unlink(path_.c_str());
        ::unlink((path_ + "-journal").c_str());
    }
    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    [[nodiscard]] int fd() const noexcept { return file_.get(); }

    /// Never replaces anything.
    void keep() const {
        if (::fsync(file_.get()) != 0 || ::link(path_.c_str(), target_.c_str()) != 0) fail("cannot be written");
        sync_directory(target_.parent_path());
    }
    [[noreturn]] void fail(char const* what) const {
        throw std::runtime_error{"coffer::sqlite: the backup " + target_.string() + " " + what + ": " +
                                 std::generic_category().message(errno)};
    }

private:
    std::filesystem::path target_;
    std::string path_;
    descriptor file_;
};

inline void copy_secret(std::filesystem::path const& from, draft const& to) {
    descriptor const file{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 32> secret{};
    auto const got = file ? ::read(file.get(), secret.data(), secret.size()) : -1;
    auto const put = got == 32 ? ::write(to.fd(), secret.data(), secret.size()) : -1;
    OPENSSL_cleanse(secret.data(), secret.size());
    if (put != 32) to.fail("cannot have its secret");
}

/// Throws if the copy is not the store that it should be; the number of its records.
[[nodiscard]] inline std::size_t verify(std::string const& copy, std::string const& secret_id) {
    auto const db = open_beside(copy, access::read, std::chrono::milliseconds{5000});
    statement const check{*db, "PRAGMA integrity_check"};
    auto const r = check.with();
    if (!r.next() || r.bytes() != "ok")
        throw std::runtime_error{
            "coffer::sqlite: the copy is damaged, so the store probably is; keep the last good backup, and check the "
            "disk"};
    if (stored_secret_id(*db) != secret_id)
        throw std::runtime_error{
            "coffer::sqlite: the secret beside the store is not the one that its keys were written under; a backup "
            "with it would be worth nothing"};
    return static_cast<std::size_t>(ask(*db, "SELECT count(*) FROM records"));
}

}  // namespace detail

/// Copies the store as it is at this moment, while other processes use it, and its secret to `to`.secret; both 0600.
///
/// The copy is checked (SQLite's integrity check, and that the secret is its own) and on the disk before it has its
/// name; it holds nothing of what was deleted before. Throws `std::runtime_error`, which says what to do: `to` exists, the
/// secret is missing or another's, the disk is full. Nothing stands under `to` then.
inline backed_up backup(std::filesystem::path const& file, std::filesystem::path const& to) {
    auto const path = detail::existing_file(file);
    auto const secret = path.string() + ".secret";
    auto const target = std::filesystem::absolute(to);
    auto const target_secret = target.string() + ".secret";
    for (auto const& name : {target.string(), target_secret}) {
        std::error_code ignored;
        if (std::filesystem::exists(std::filesystem::symlink_status(name, ignored)))
            throw std::runtime_error{"coffer::sqlite: " + name +
                                     " exists already; a backup replaces nothing, so name another file"};
    }
    auto const id = detail::secret_file{secret}.read()->secret_id();

    detail::draft const copy{target};
    detail::draft const copied_secret{target_secret};
    auto const db = detail::open_beside(path, detail::access::read, std::chrono::milliseconds{5000});
    detail::in_words(path.string(), "no backup was made: ", [&] {
        detail::statement{*db, "VACUUM INTO ?"}.run(std::string_view{copy.path()});
    });
    backed_up done;
    done.records = detail::verify(copy.path(), id);
    done.bytes = static_cast<std::int64_t>(std::filesystem::file_size(copy.path()));
    detail::copy_secret(secret, copied_secret);
    copied_secret.keep();
    try {
        copy.keep();
    } catch (...) {
        ::unlink(target_secret.c_str());
        throw;
    }
    return done;
}

}  // namespace coffer::inline COFFER_ABI::sqlite
